"""Which kinds the values of new data suggest, and why where it is not plain.

A CSV holds texts. What all of them say decides, never the first block: a type guessed
there would refuse the rest of the very file that it was guessed from.
"""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.data import columns
from pipeline.data.columns import Kind

_WHOLE = r"^-?(0|[1-9][0-9]*)$"
_CODE = r"^[+-]?0[0-9]+$"
_LAST_INT = 2**63 - 1


@dataclasses.dataclass
class Seen:
    """What one column's values allow; batch after batch narrows it."""

    kind: Kind | None = None
    """None while there was no value."""

    reason: str | None = None
    """Why it is text, where it looks like numbers."""

    def add(self, name: str, values: pa.Array) -> None:
        """Takes the column's next values, as the file has them."""
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        values = values.drop_null()
        if not len(values) or self._is_plain_text:
            return
        before = self._is_text
        kind, reason = _of_values(name, values)
        order: tuple[Kind | None, ...] = (None, "INT", "FLOAT", "BYTES")
        self.kind = max(self.kind, kind, key=order.index)
        # A number after a code changes nothing; a word after it makes the code plain.
        if kind == "BYTES" or not before:
            self.reason = reason

    @property
    def _is_text(self) -> bool:
        return self.kind == "BYTES"

    @property
    def _is_plain_text(self) -> bool:
        return self._is_text and self.reason is None


def add_batch(found: dict[str, Seen], batch: pa.RecordBatch) -> None:
    """Adds a batch of rows, as the file has them, to what was seen of each column.

    Raises:
      TypeError: a column could be of no kind, such as one of lists.
    """
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        if problem := columns.impossible(name, values.type, "BYTES"):
            raise TypeError(problem)
        found.setdefault(name, Seen()).add(name, values)


def _of_values(name: str, values: pa.Array) -> tuple[Kind, str | None]:
    type_ = values.type
    if pa.types.is_boolean(type_):
        return "INT", None
    if pa.types.is_integer(type_):
        return _of_integers(values)
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "FLOAT", None
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return _of_texts(name, values.cast(pa.string()))
    return "BYTES", None


def _of_integers(values: pa.Array) -> tuple[Kind, str | None]:
    greatest = pc.max(values).as_py()
    if greatest > _LAST_INT:
        return "BYTES", f"{greatest} is more than a 64-bit integer holds"
    return "INT", None


def _of_texts(name: str, values: pa.Array) -> tuple[Kind, str | None]:
    codes = values.filter(pc.match_substring_regex(values, _CODE))
    _, misfits = columns.converted(name, values, "FLOAT")
    if misfits:
        return "BYTES", None
    if len(codes):
        return "BYTES", f"{codes[0].as_py()!r} starts with a zero, so it is a code"
    if not pc.all(pc.match_substring_regex(values, _WHOLE)).as_py():
        return "FLOAT", None
    _, misfits = columns.converted(name, values, "INT")
    if misfits:
        return "BYTES", f"{misfits[0].value} is more than a 64-bit integer holds"
    return "INT", None
