"""One unit of work -> batches of rows, and rejects with their place."""

from __future__ import annotations

import bisect
import collections
import contextlib
import csv
import dataclasses
import io
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipeline.data import columns, files, lines
from pipeline.data.columns import Kinds, Misfit
from pipeline.data.formats import format_of
from pipeline.data.lines import Limits
from pipeline.errors import DataUnreadable

# Bytes of CSV parsed at a time: a few ten thousand rows, so memory stays bounded.
BLOCK_BYTES = 4 << 20
BATCH_ROWS = 1 << 15


@dataclasses.dataclass(frozen=True)
class Reject:
    """A row that does not become an example."""

    file: str
    row: int
    """Data row, from 1; the header is not counted."""

    line: int | None
    """Line of a CSV file, from 1, where the row ends; None for Parquet."""

    column: str | None
    """None when the row as a whole is malformed."""

    value: str
    reason: str

    def __str__(self) -> str:
        """One line: where, what, why."""
        line = f", line {self.line}" if self.line else ""
        column = f", column '{self.column}'" if self.column else ""
        return (
            f"{self.file}{line} (row {self.row}){column}: {self.value!r} {self.reason}"
        )


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows that fit the schema, and those that do not."""

    rows: pa.RecordBatch
    rejects: tuple[Reject, ...]
    """One for each misfit: a row may have several."""

    read: int
    """Rows that were read for it."""

    source: pa.RecordBatch
    """The same rows as `rows`, with every column as the file has it."""


Check = Callable[[str, pa.Array], list[Misfit]]
"""(name of a column, the column as its kind) -> what is not allowed in it."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a reader asks of the columns beside their kinds."""

    columns: frozenset[str] | None = None
    """Read as their kinds; the others are in `Batch.source` alone. None: all."""

    check: Check = lambda name, column: []

    rows: int | None = None
    """Of the unit, so many from its start, rejects among them. None: all."""

    limits: Limits = dataclasses.field(default_factory=Limits)

    digest: files.Digest = dataclasses.field(default_factory=files.Digest)
    """Takes the bytes of a CSV that is not on a disk."""


def batches(
    unit: files.Unit, kinds: Kinds, asked: Asked | None = None
) -> Iterator[Batch]:
    """Reads the unit; the columns come in the order of their names.

    Raises:
      DataUnreadable: the file is gone, damaged, or has columns of an impossible type.
    """
    with files.readable(unit.file):
        if format_of(unit.file) == "parquet":
            with files.opened(unit.file) as stream:
                yield from _parquet(stream, unit, kinds, asked or Asked())
        else:
            yield from _csv(unit, kinds, asked or Asked())


def _parquet(
    stream: io.BufferedReader, unit: files.Unit, kinds: Kinds, asked: Asked
) -> Iterator[Batch]:
    groups = None if unit.row_group is None else [unit.row_group]
    first = unit.first_row
    parquet = pq.ParquetFile(stream)
    for table in parquet.iter_batches(batch_size=BATCH_ROWS, row_groups=groups):
        if asked.rows is not None:
            table = table.slice(0, asked.rows - (first - unit.first_row))
            if not table.num_rows:
                return
        rows, source, misfits = _convert(unit.file, table, kinds, asked)
        yield Batch(
            rows,
            tuple(
                Reject(unit.file, first + m.index, None, m.column, m.value, m.reason)
                for m in misfits
            ),
            table.num_rows,
            source,
        )
        first += table.num_rows


def _csv(unit: files.Unit, kinds: Kinds, asked: Asked) -> Iterator[Batch]:
    malformed: list[pacsv.InvalidRow] = []
    read, last = 0, ""
    for table in _tables(unit.file, malformed, asked):
        # The header is Arrow's row 1.
        places = _Places([row.number - 1 for row in malformed])
        if asked.rows is not None:
            table = table.slice(0, places.kept_of_first(asked.rows) - read)
        rows, source, misfits = _convert(unit.file, table, kinds, asked)
        rejects = [
            Reject(
                unit.file, places.of(read + m.index), None, m.column, m.value, m.reason
            )
            for m in misfits
        ]
        read += table.num_rows
        if table.num_rows:
            last = table.slice(table.num_rows - 1).to_pylist()[0].values()
        yield Batch(rows, tuple(rejects), table.num_rows, source)
        if asked.rows is not None and places.of(read) > asked.rows:
            break
    # A row that runs over lines to the end may be all that follows an open quote.
    ends = [*filter(None, last), *(row.text for row in malformed[-1:])]
    if any("\n" in text for text in ends):
        _require_closed_quotes(unit.file)
    rejects = [_malformed(unit.file, row) for row in malformed]
    if asked.rows is not None:
        rejects = [reject for reject in rejects if reject.row <= asked.rows]
    none = pa.RecordBatch.from_pydict({})
    yield Batch(none, tuple(rejects), len(rejects), none)


def _tables(
    file: str, malformed: list[pacsv.InvalidRow], asked: Asked
) -> Iterator[pa.RecordBatch]:
    """The rows as text; those of another length are added to `malformed`.

    Arrow holds two blocks and wants each row within them. Most rows are short, so a
    longer one makes it begin again with longer blocks.
    """
    with files.opened(file) as stream:
        header = lines.header(stream, file, asked.limits)
    given, block_bytes = 0, min(BLOCK_BYTES, asked.limits.row_bytes)
    while True:
        malformed.clear()
        read = 0
        try:
            for table in _parsed(file, header, malformed, block_bytes, asked):
                fresh = table.slice(max(given - read, 0))
                read += table.num_rows
                if read >= given:
                    given = read
                    yield fresh
            return
        except pa.ArrowInvalid as error:
            if not (header and _is_of_a_long_row(error)):
                raise
        if block_bytes >= asked.limits.row_bytes:
            which = f"a row after row {given + len(malformed)}"
            raise lines.too_long(file, asked.limits, which) from None
        block_bytes = min(8 * block_bytes, asked.limits.row_bytes)


def _parsed(
    file: str,
    header: list[str],
    malformed: list[pacsv.InvalidRow],
    block_bytes: int,
    asked: Asked,
) -> Iterator[pa.RecordBatch]:
    def keep(row: pacsv.InvalidRow) -> str:
        malformed.append(row)
        return "skip"

    asked.digest.restart()
    with files.arrow_stream(file, asked.digest) as stream:
        yield from pacsv.open_csv(
            stream,
            # Threads would leave malformed rows without a number.
            pacsv.ReadOptions(block_size=block_bytes, use_threads=False),
            pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            pacsv.ConvertOptions(
                column_types={name: pa.string() for name in header},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )


def _is_of_a_long_row(error: pa.ArrowInvalid) -> bool:
    return "try to increase block size" in str(error) or "Empty CSV" in str(error)


def _malformed(file: str, row: pacsv.InvalidRow) -> Reject:
    reason = f"has {row.actual_columns} fields; the header has {row.expected_columns}"
    return Reject(file, row.number - 1, None, None, row.text, reason)


class _Places:
    """Numbers the rows that were kept, given the numbers of those that were not."""

    def __init__(self, skipped: list[int]) -> None:
        # Kept rows that come before each skipped one.
        self._before = [number - 1 - i for i, number in enumerate(sorted(skipped))]

    def of(self, kept: int) -> int:
        """Row number, from 1, of the kept-th row that was kept, from 0."""
        return kept + 1 + bisect.bisect_right(self._before, kept)

    def kept_of_first(self, rows: int) -> int:
        """How many of the first rows were kept, if there are so many."""
        return rows - sum(before + i < rows for i, before in enumerate(self._before))


def _require_closed_quotes(file: str) -> None:
    with files.opened(file) as stream:
        text = io.TextIOWrapper(stream, lines.TEXT, "replace", newline="")
        # An open quote swallows the row that is appended here.
        rows = csv.reader(itertools.chain(text, ["\n", "end"]))
        [row] = collections.deque(rows, maxlen=1)
    if row != ["end"]:
        start = "".join(row)[:40]
        raise DataUnreadable(
            f"{file}: a quote is opened and never closed, so all that follows would be "
            f"one cell; its row starts {start!r}"
        )


def _convert(
    file: str, table: pa.RecordBatch, kinds: Kinds, asked: Asked
) -> tuple[pa.RecordBatch, pa.RecordBatch, list[Misfit]]:
    """The columns by name and of the schema's kinds, without the rows that misfit.

    Then the same rows as they were, and what misfits.
    """
    names = table.schema.names
    lines.require_once(file, names)
    arrays, misfits = {}, []
    for name in sorted(names):
        if asked.columns is not None and name not in asked.columns:
            continue
        try:
            array, bad = columns.converted(
                name, table.column(name), kinds.get(name, "BYTES")
            )
        except TypeError as error:
            raise DataUnreadable(f"{file}: {error}") from None
        arrays[name] = array
        known = {misfit.index for misfit in bad}
        also = [m for m in asked.check(name, array) if m.index not in known]
        misfits += bad + also
    rows = pa.RecordBatch.from_pydict(arrays)
    if misfits:
        keep = np.ones(len(rows), dtype=bool)
        keep[[misfit.index for misfit in misfits]] = False
        rows, table = rows.filter(pa.array(keep)), table.filter(pa.array(keep))
    return rows, table, sorted(misfits, key=lambda misfit: misfit.index)


def with_lines(rejects: list[Reject]) -> list[Reject]:
    """The rejects of one CSV file with their lines, by one more pass over it.

    Quoted line breaks make a row's line differ from its number.
    """
    wanted = {reject.row for reject in rejects}
    found: dict[int, int] = {}
    file = rejects[0].file
    with (
        # A damaged file was told already; here it costs the lines after the damage.
        contextlib.suppress(csv.Error, DataUnreadable),
        files.opened(file) as stream,
        files.readable(file),
    ):
        reader = csv.reader(io.TextIOWrapper(stream, lines.TEXT, "replace", newline=""))
        rows = (row for row in reader if row)
        next(rows)
        for number, _ in enumerate(rows, start=1):
            if number in wanted:
                found[number] = reader.line_num
    return [dataclasses.replace(r, line=found.get(r.row)) for r in rejects]
