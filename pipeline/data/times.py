"""The column that says when a row happened, read as times and not as text."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.data.columns import Misfit
from pipeline.errors import DataUnreadable

Time = float | str
"""A number as it is, or an ISO 8601 text."""

ISO = (
    "as ISO 8601 has it, such as 2024-01-31 or 2024-01-31T08:30:00; "
    "data.time_format allows another form"
)


@dataclasses.dataclass(frozen=True)
class Clock:
    """Reads one column. Plain values, since Beam sends it to workers."""

    column: str | None = None

    format: str | None = None
    """As Python's strptime has it, for text; None: ISO 8601, which has one meaning."""

    def misfits(self, name: str, values: pa.Array) -> list[Misfit]:
        """Texts of the column that are not times of the format.

        Args:
          name: of a column; any but this clock's has no misfits.
          values: it, as bytes when it is text.
        """
        if name != self.column or not pa.types.is_binary(values.type):
            return []
        encoded = values.dictionary_encode()
        bad: dict[int, str] = {}
        for code, value in enumerate(encoded.dictionary.to_pylist()):
            text = value.decode(errors="replace")
            if _parsed(text, self._parse) is None:
                bad[code] = text
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        wanted = f"in data.time_format '{self.format}'" if self.format else ISO
        reason = f"is not a time {wanted}"
        return [
            Misfit(int(index), name, bad[int(codes[index])], reason)
            for index in np.flatnonzero(np.isin(codes, list(bad)))
        ]

    def ends(self, rows: pa.RecordBatch) -> tuple[Time, ...]:
        """The least and the greatest time; nothing where there is none."""
        if self.column is None or self.column not in rows.schema.names:
            return ()
        values = rows.column(self.column)
        if not pa.types.is_binary(values.type):
            ends = pc.min_max(values).as_py()
            return self.range_of([end for end in ends.values() if end is not None])
        texts = [value.decode() for value in values.drop_null().unique().to_pylist()]
        return self.range_of([_iso(self._parse(text)) for text in texts])

    def range_of(self, times: Sequence[Time]) -> tuple[Time, ...]:
        """The first and the last of them.

        Raises:
          DataUnreadable: some have a time zone and others have none, so nobody can say
            which comes first.
        """
        if not times:
            return ()
        if not isinstance(times[0], str):
            return (min(times), max(times))
        try:
            ordered = sorted(map(str, times), key=datetime.datetime.fromisoformat)
        except TypeError:
            raise DataUnreadable(
                f"data.time_column: some times of '{self.column}' have a zone and "
                "others have none, so nobody can say which is earlier"
            ) from None
        return (ordered[0], ordered[-1])

    def _parse(self, text: str) -> datetime.datetime:
        if self.format is None:
            return datetime.datetime.fromisoformat(text.strip())
        return datetime.datetime.strptime(text.strip(), self.format)


def _iso(time: datetime.datetime) -> str:
    """A midnight without a zone is a day."""
    return time.isoformat().removesuffix("T00:00:00")


def _parsed(
    text: str, parse: Callable[[str], datetime.datetime]
) -> datetime.datetime | None:
    try:
        return parse(text)
    except ValueError:
        return None
