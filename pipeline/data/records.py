"""TFRecord shards of tf.Examples, read back, and decoded as stock TFX does."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders import example_coder

BATCH_ROWS = 1 << 14


def serialized(split_folder: str) -> Iterator[list[bytes]]:
    """The rows of a split, thousands at a time."""
    return _rows(files(split_folder), BATCH_ROWS)


def files(split_folder: str) -> list[str]:
    """The shards of a split, in order."""
    return sorted(tf.io.gfile.glob(os.path.join(split_folder, "*")))


def of_file(file: str, batch_rows: int) -> Iterator[list[bytes]]:
    """The rows of one shard, so many at a time."""
    return _rows([file], batch_rows)


def _rows(names: list[str], batch_rows: int) -> Iterator[list[bytes]]:
    records = tf.data.TFRecordDataset(names, compression_type="GZIP")
    for rows in records.batch(batch_rows).prefetch(1).as_numpy_iterator():
        yield rows.tolist()


def decoded(rows: list[bytes]) -> pa.RecordBatch:
    """Each column is a list of values a row, null where it has none."""
    return example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(rows)


def has_column(table: pa.RecordBatch, name: str) -> bool:
    """Whether any row has a value there: tf.Examples hold no empty columns."""
    return name in table.schema.names


def place_of(table: pa.RecordBatch, name: str) -> int:
    """The column's place; Arrow's own answer for an unknown name is the last one's.

    Raises:
      KeyError: there is no such column.
    """
    if name not in table.schema.names:
        raise KeyError(f"no row has a column '{name}'")
    return int(table.schema.get_field_index(name))


def batches(split_folder: str) -> Iterator[pa.RecordBatch]:
    """The rows of a split, decoded."""
    return map(decoded, serialized(split_folder))
