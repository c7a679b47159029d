"""One unit of work from its file to its shards: what a worker runs."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from pipeline.data import reading, writing
from pipeline.data.columns import Kind
from pipeline.data.files import Unit
from pipeline.data.reading import Batch, Reject
from pipeline.data.splitting import Splits
from pipeline.errors import DataUnreadable

_ENCODERS = 2

Time = float | str

T = TypeVar("T")
U = TypeVar("U")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What every worker must know; plain values, since Beam sends it to them."""

    folder: str
    """The Examples artifact."""

    units: int
    kinds: Mapping[str, Kind]
    buckets: Mapping[str, int]
    split_by: str | None = None
    time_column: str | None = None


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one unit."""

    read: int
    written: Mapping[str, int]
    """Split -> rows."""

    rejects: tuple[Reject, ...]
    rejected: int
    """Rows; one row may have several rejects."""

    times: tuple[Time, ...] = ()
    """Least and greatest value of the time column; nothing when there is none."""

    error: str | None = None
    """Set when the unit could not be read to its end."""


def ingest(unit: Unit, plan: Plan) -> None:
    """Writes the unit's shards, and its result where `results` finds it."""
    splits = Splits(plan.buckets, plan.split_by)
    rejects: list[Reject] = []
    times: list[Time] = []
    read, error = 0, None
    shards = writing.Shards(plan.folder, unit.number, plan.units, splits)
    try:
        with shards, futures.ThreadPoolExecutor(_ENCODERS) as pool:
            # The encoder leaves Python's lock, so batches are encoded while others are
            # read and written.
            for batch, rows, places in _ahead(
                pool,
                lambda b: _encoded(unit, b, splits),
                reading.batches(unit, plan.kinds),
            ):
                shards.write(rows, places)
                rejects += batch.rejects
                times += _times(batch.rows, plan.time_column)
                read += batch.read
    except DataUnreadable as unreadable:
        error = str(unreadable)
    if any(reject.line is None for reject in rejects) and unit.row_group is None:
        rejects = reading.with_lines(rejects)
    result = Result(
        read=read,
        written=dict(zip(splits.names, shards.counts, strict=True)),
        rejects=tuple(rejects),
        rejected=len({reject.row for reject in rejects}),
        times=(min(times), max(times)) if times else (),
        error=error,
    )
    path = os.path.join(plan.folder, writing.PARTIAL, f"result-{unit.number:05d}.json")
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(dataclasses.asdict(result)))


def results(folder: str) -> list[Result]:
    """What became of all units, in their order; the traces of work are removed."""
    partial = os.path.join(folder, writing.PARTIAL)
    found = []
    for path in sorted(tf.io.gfile.glob(os.path.join(partial, "result-*.json"))):
        with tf.io.gfile.GFile(path) as file:
            value = json.loads(file.read())
        rejects = tuple(Reject(**reject) for reject in value.pop("rejects"))
        times = tuple(value.pop("times"))
        found.append(Result(**value, rejects=rejects, times=times))
    if found:  # none, where workers wrote to a folder of their own
        tf.io.gfile.rmtree(partial)
    return found


def _times(rows: pa.RecordBatch, column: str | None) -> list[Time]:
    """The column's least and greatest value, text as text."""
    if column is None or column not in rows.schema.names:
        return []
    ends = pc.min_max(rows.column(column)).as_py()
    found = [ends["min"], ends["max"]]
    return [
        value.decode(errors="replace") if isinstance(value, bytes) else value
        for value in found
        if value is not None
    ]


def _encoded(
    unit: Unit, batch: Batch, splits: Splits
) -> tuple[Batch, list[bytes], list[int]]:
    if not batch.rows.num_rows:
        return batch, [], []
    if splits.column and splits.column not in batch.rows.schema.names:
        raise DataUnreadable(
            f"{unit.file}: data.split_by names '{splits.column}', which is not a column"
        )
    return batch, writing.encoded(batch.rows), splits.places(batch.rows)


def _ahead(
    pool: futures.Executor, function: Callable[[T], U], values: Iterable[T]
) -> Iterator[U]:
    """`map` in the pool, two values ahead and no more: memory stays bounded."""
    waiting: collections.deque[futures.Future[Any]] = collections.deque()
    for value in values:
        waiting.append(pool.submit(function, value))
        if len(waiting) > 2:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
