"""Batches of rows -> gzip TFRecord shards of tf.Examples, one set a split."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from types import TracebackType

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders import example_coder

from pipeline.data.splitting import Splits

# Every TFX reader expects gzip. On a disk it only wraps the records: packing them takes
# a quarter of all the time of ingestion, and unpacking as much of each node that reads
# them. Over a network a sixth of the bytes is worth it; level 6, the default, takes
# four times as long as level 1 for 20 % less.
_ON_DISK, _REMOTE = 0, 1


def encoded(rows: pa.RecordBatch) -> list[bytes]:
    """A serialized tf.Example for each row; a null is a feature without values."""
    encoder = example_coder.RecordBatchToExamplesEncoder()
    return encoder.encode(as_lists(rows))


def as_lists(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows as tf.Examples have them: each column a list of one value, or none."""
    lists = [_as_lists(column) for column in rows.columns]
    return pa.RecordBatch.from_arrays(lists, names=rows.schema.names)


def _as_lists(column: pa.Array) -> pa.Array:
    """Each value as a list of one, each null as a list of none."""
    ends = np.cumsum(column.is_valid().to_numpy(zero_copy_only=False), dtype=np.int32)
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    return pa.ListArray.from_arrays(offsets, column.drop_null())


# What is not complete; inside the artifact, so that it goes where that goes.
PARTIAL = ".partial"


class Shards:
    """The shards of one unit of work; they appear under their names when complete.

    Args of the constructor:
      folder: the Examples artifact.
      number: of the unit.
      total: of units.
      splits: every one of them gets a shard, if only an empty one.
    """

    def __init__(self, folder: str, number: int, total: int, splits: Splits) -> None:
        name = f"data_tfrecord-{number:05d}-of-{total:05d}.gz"
        self._targets = [
            os.path.join(folder, f"Split-{split}", name) for split in splits.names
        ]
        # A worker that is retried starts over, and no reader sees a half shard.
        self._partials = [
            os.path.join(folder, PARTIAL, f"{split}-{name}") for split in splits.names
        ]
        self._options = tf.io.TFRecordOptions(
            compression_type="GZIP",
            compression_level=_REMOTE if "://" in folder else _ON_DISK,
        )
        self._stack = contextlib.ExitStack()
        self.counts = [0] * len(splits.names)

    def __enter__(self) -> Shards:
        for path in (*self._targets, *self._partials):
            tf.io.gfile.makedirs(os.path.dirname(path))
        self._writers = [
            self._stack.enter_context(tf.io.TFRecordWriter(path, self._options))
            for path in self._partials
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        if kind is None:
            for partial, target in zip(self._partials, self._targets, strict=True):
                tf.io.gfile.rename(partial, target, overwrite=True)

    def write(self, rows: Sequence[bytes], places: Sequence[int]) -> None:
        """Appends each row to the split at its place."""
        # The base class's method in C++, without the wrapper that only calls it.
        writes = [
            super(tf.io.TFRecordWriter, each).write  # type: ignore[misc]
            for each in self._writers
        ]
        for row, place in zip(rows, places, strict=True):
            writes[place](row)
        for place, count in enumerate(np.bincount(places, minlength=len(writes))):
            self.counts[place] += int(count)
