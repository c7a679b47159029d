"""One unit of work from its file to its shards: what a worker runs."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from typing import Any, TypeVar

import tensorflow as tf

from pipeline.data import files, reading, writing
from pipeline.data.columns import Kind
from pipeline.data.files import Unit
from pipeline.data.lines import Limits
from pipeline.data.reading import Asked, Batch, Reject
from pipeline.data.splitting import Splits
from pipeline.data.times import Clock, Time
from pipeline.errors import DataUnreadable

_ENCODERS = 2

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
    clock: Clock = dataclasses.field(default_factory=Clock)
    limits: Limits = dataclasses.field(default_factory=Limits)


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

    stamps: tuple[str, ...] = ()
    """Of the file, before it was read and after."""

    sha256: str | None = None
    """Of the bytes that were read; None where only a part of the file was."""

    error: str | None = None
    """Set when the unit could not be read to its end."""


def ingest(unit: Unit, plan: Plan, rows: int | None = None) -> Result:
    """Writes the unit's shards, and its result where `results` finds it.

    Args:
      unit: what to read.
      plan: of all units.
      rows: so many of the unit's first rows; None for all.
    """
    splits = Splits(plan.buckets, plan.split_by)
    rejects: list[Reject] = []
    times: list[Time] = []
    read, error = 0, None
    digest = files.Digest()
    asked = Asked(
        check=plan.clock.misfits, rows=rows, limits=plan.limits, digest=digest
    )
    stamps: list[str] = []
    shards = writing.Shards(plan.folder, unit.number, plan.units, splits)
    try:
        with shards, futures.ThreadPoolExecutor(_ENCODERS) as pool:
            stamps.append(files.stamp(unit.file))
            # The encoder leaves Python's lock, so batches are encoded while others are
            # read and written.
            for batch, encoded, places in _ahead(
                pool,
                lambda b: _encoded(unit, b, splits),
                reading.batches(unit, plan.kinds, asked),
            ):
                shards.write(encoded, places)
                rejects += batch.rejects
                times += plan.clock.ends(batch.rows)
                read += batch.read
            stamps.append(files.stamp(unit.file))
    except DataUnreadable as unreadable:
        error = str(unreadable)
    if any(reject.line is None for reject in rejects) and unit.row_group is None:
        rejects = reading.with_lines(rejects)
    result = Result(
        read=read,
        written=dict(zip(splits.names, shards.counts, strict=True)),
        rejects=tuple(rejects),
        rejected=len({reject.row for reject in rejects}),
        times=plan.clock.range_of(times),
        stamps=tuple(stamps),
        sha256=digest.sha256,
        error=error,
    )
    path = os.path.join(plan.folder, writing.PARTIAL, f"result-{unit.number:05d}.json")
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(dataclasses.asdict(result)))
    return result


def results(folder: str) -> list[Result]:
    """What became of all units, in their order; the traces of work are removed."""
    partial = os.path.join(folder, writing.PARTIAL)
    found = []
    for path in sorted(tf.io.gfile.glob(os.path.join(partial, "result-*.json"))):
        with tf.io.gfile.GFile(path) as file:
            value = json.loads(file.read())
        rejects = tuple(Reject(**reject) for reject in value.pop("rejects"))
        times, stamps = tuple(value.pop("times")), tuple(value.pop("stamps"))
        found.append(Result(**value, rejects=rejects, times=times, stamps=stamps))
    if found:  # none, where workers wrote to a folder of their own
        tf.io.gfile.rmtree(partial)
    return found


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
