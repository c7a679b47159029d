"""Which rows make a slice: by a column's values, by ranges, by values crossed.

Named as TFMA names what it has: 'payment_type=Cash', 'race=White,sex=F', in the order
of the columns' names. TFMA has no ranges: a column of words stands in for the numbers,
'age in [18, 30]' for `age`, and is written for TFMA's workers beside the raw columns.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx_bsl.coders import example_coder

from pipeline.config import evaluation
from pipeline.config.evaluation import Slice
from pipeline.data import records
from pipeline.runs.verdict import OVERALL

SliceKey = tuple[tuple[str, Any], ...]
"""TFMA's: the columns and their values, () for all rows."""


@dataclasses.dataclass(frozen=True)
class SlicedRows:
    """One slice of the judged rows."""

    key: SliceKey
    name: str
    """As people read it: 'payment_type=Cash', 'age=[18, 30)', or 'overall'."""

    places: np.ndarray
    """Of its rows among all, shape (its rows,)."""


@dataclasses.dataclass(frozen=True)
class Slices:
    """All slices of the judged rows."""

    rows: tuple[SlicedRows, ...]
    """Each once, all rows first."""

    by_rule: Mapping[str, tuple[str, ...]]
    """A rule's title -> the names of its slices: numbers by their size, words by the
    alphabet, ranges from below; the largest first where only those are asked for."""


def of(rows: list[bytes], rules: Sequence[Slice]) -> Slices:
    """The slices that the rules make.

    A row without a value is in no slice of that column, as TFMA has it.

    Args:
      rows: serialized raw tf.Examples.
      rules: of the configuration; one whose column no row has makes no slice.

    Raises:
      ValueError: two slices of other rows would have one name.
    """
    table = records.decoded(rows)
    found = {OVERALL: SlicedRows((), OVERALL, np.arange(len(rows)))}
    by_rule = {}
    words = stand_ins(table, rules)
    for rule in rules:
        slices = list(_slices(table, words, rule))
        if rule.largest:
            slices.sort(key=lambda each: -len(each.places))
            slices = slices[: rule.largest]
        for each in slices:
            known = found.setdefault(each.name, each)
            if not np.array_equal(known.places, each.places):
                raise ValueError(
                    f"evaluation.slices: two slices would be called '{each.name}', one "
                    f"of {known.key}, one of {each.key}; leave one rule out"
                )
        by_rule[rule.title] = tuple(each.name for each in slices)
    return Slices(tuple(found.values()), by_rule)


def stand_ins(table: pa.RecordBatch, rules: Sequence[Slice]) -> dict[str, pa.Array]:
    """The columns of words that stand in for numbers; none for one that no row has."""
    return {
        evaluation.in_ranges(column, edges): _in_ranges(table, column, edges)
        for rule in rules
        for column, edges in rule.ranges.items()
        if _has_values(table, column)
    }


def with_stand_ins(rows: list[bytes], rules: Sequence[Slice]) -> list[bytes]:
    """The rows with these columns in them, for TFMA, which sees rows alone."""
    words = stand_ins(records.decoded(rows), rules)
    if not words:
        return rows
    table = pa.RecordBatch.from_pydict(words)
    added = example_coder.RecordBatchToExamplesEncoder().encode(table)
    # Messages behind one another are one message with the fields of both (protobuf's
    # wire format); a map's entries come together.
    return [row + more for row, more in zip(rows, added, strict=True)]


def raw_name(key: SliceKey) -> str:
    """What TFMA's key says, whatever stands in for what; '' for all rows."""
    return ",".join(f"{column}={_text(value)}" for column, value in key)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _slices(
    table: pa.RecordBatch, words: Mapping[str, pa.Array], rule: Slice
) -> Iterator[SlicedRows]:
    names = dict(zip(rule.feature_keys, rule.keys, strict=True))
    columns = sorted(names)
    lists = [words.get(c) if c in words else _column(table, c) for c in columns]
    if any(each is None for each in lists):
        return  # the verdict says that its slices were not judged
    crossed = _Values.of(lists[0])
    for each in lists[1:]:
        crossed = crossed.crossed(_Values.of(each))
    ranges = _places_of_ranges(rule)
    groups = sorted(
        crossed.groups(), key=lambda group: [_rank(v, ranges) for v in group[0]]
    )
    for values, places in groups:
        parts = zip(columns, values, strict=True)
        name = ",".join(f"{names[c]}={_text(v)}" for c, v in parts)
        yield SlicedRows(tuple(zip(columns, values, strict=True)), name, places)


def _places_of_ranges(rule: Slice) -> Mapping[bytes, int]:
    """Name of a range -> how many are below it."""
    places: dict[bytes, int] = {}
    for edges in rule.ranges.values():
        names = [*evaluation.range_names(edges), evaluation.MISSING]
        places |= {name.encode(): place for place, name in enumerate(names)}
    return places


def _rank(value: Any, ranges: Mapping[bytes, int]) -> list[tuple[int, float, str]]:
    """For sorting: numbers and ranges by their size, words with numbers in them too."""
    if value in ranges:
        return [(0, ranges[value], "")]
    if not isinstance(value, bytes):
        return [(0, value, "")]
    parts = re.split(r"(\d+)", _text(value))
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]


@dataclasses.dataclass(frozen=True)
class _Values:
    """What each row has of some columns; a row has none, one or several."""

    places: np.ndarray
    """Of the rows, rising, shape (values,)."""

    codes: np.ndarray
    """Which of `kinds` it is, shape (values,)."""

    kinds: list[tuple[Any, ...]]

    @classmethod
    def of(cls, lists: pa.Array) -> _Values:
        """Of one column: a list of values a row."""
        encoded = pc.list_flatten(lists).dictionary_encode()
        return cls(
            pc.list_parent_indices(lists).to_numpy(),
            encoded.indices.to_numpy(),
            [(value,) for value in encoded.dictionary.to_pylist()],
        )

    def crossed(self, other: _Values) -> _Values:
        """Every combination that a row has."""
        starts, ends = (
            np.searchsorted(other.places, self.places, side)
            for side in ("left", "right")
        )
        times = ends - starts
        ours = np.repeat(np.arange(len(self.places)), times)
        first = np.repeat(np.cumsum(times) - times, times)
        theirs = np.repeat(starts, times) + np.arange(len(ours)) - first
        size = len(other.kinds)
        both = self.codes[ours].astype(np.int64) * size + other.codes[theirs]
        found, codes = np.unique(both, return_inverse=True)
        kinds = [self.kinds[k // size] + other.kinds[k % size] for k in found.tolist()]
        return _Values(self.places[ours], codes, kinds)

    def groups(self) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
        """Each combination and the places of its rows."""
        order = np.argsort(self.codes, kind="stable")
        ends = np.searchsorted(self.codes[order], np.arange(1, len(self.kinds)))
        for kind, part in zip(self.kinds, np.split(order, ends), strict=False):
            yield kind, np.unique(self.places[part])


def _in_ranges(table: pa.RecordBatch, column: str, edges: Sequence[float]) -> pa.Array:
    """The name of the range that each number is in, a list for each row.

    What is no finite number is missing, as it is for the model.
    """
    lists = table.column(records.place_of(table, column))
    numbers = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    places = pc.list_parent_indices(lists).to_numpy()
    known = np.isfinite(numbers)
    # An edge is what a cell that says the same has become: 0.7 is in [0.7, inf).
    bounds = np.array(edges).astype(
        numbers.dtype if numbers.dtype.kind == "f" else np.float64
    )
    codes = np.searchsorted(bounds, numbers[known], side="right")
    without = np.setdiff1d(np.arange(len(lists)), places[known])
    names = np.array([*evaluation.range_names(edges), evaluation.MISSING])
    words = np.concatenate([names[codes], np.repeat(names[-1:], len(without))])
    rows = np.concatenate([places[known], without])
    order = np.argsort(rows, kind="stable")
    offsets = np.searchsorted(rows[order], np.arange(len(lists) + 1))
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()),
        pa.array([word.encode() for word in words[order].tolist()], pa.binary()),
    )


def _column(table: pa.RecordBatch, name: str) -> pa.Array | None:
    if not _has_values(table, name):
        return None
    return table.column(records.place_of(table, name))


def _has_values(table: pa.RecordBatch, name: str) -> bool:
    if not records.has_column(table, name):
        return False
    column = table.column(records.place_of(table, name))
    return not pa.types.is_null(column.type) and len(pc.list_flatten(column)) > 0
