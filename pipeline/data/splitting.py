"""Which split a row belongs to: a stable hash of its values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Splits:
    """Split -> hash buckets, as ranges of one hash.

    SHA-256 of the row's key modulo the sum of buckets. A row stays in its split
    whatever other rows come or go, in a CSV as in a Parquet file, on every machine.
    (TFX hashes the serialized tf.Example, whose bytes depend on the order in which
    a library walks a hash map.)
    """

    def __init__(self, buckets: Mapping[str, int], column: str | None = None) -> None:
        self.names = tuple(buckets)
        self.column = column
        self._ends = np.cumsum(list(buckets.values()))

    def places(self, rows: pa.RecordBatch) -> list[int]:
        """Position in `names` of each row.

        With a column, rows with the same value in it stay together.

        Raises:
          KeyError: the rows have no such column.
        """
        keyed = rows.select([self.column]) if self.column else rows
        digests = b"".join([hashlib.sha256(key).digest() for key in keys(keyed)])
        buckets = _modulo(digests, int(self._ends[-1]))
        return np.searchsorted(self._ends, buckets, side="right").tolist()


def keys(rows: pa.RecordBatch) -> list[bytes]:
    """Bytes for each row, equal only for equal rows.

    First what has a fixed width, column by column: is it there, and the number or the
    text's length; then the texts.
    """
    fixed: list[np.ndarray] = []
    texts: list[pa.Array] = []
    for column in rows.columns:
        fixed.append(_bytes_of(column.is_valid().cast(pa.uint8())))
        if pa.types.is_binary(column.type):
            text = pc.fill_null(column, b"")
            texts.append(text)
            fixed.append(_bytes_of(pc.binary_length(text)))
        else:
            zero = pa.scalar(0).cast(column.type)
            fixed.append(_bytes_of(pc.fill_null(column, zero)))
    matrix = np.ascontiguousarray(np.hstack(fixed))
    head = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(matrix.shape[1]), len(matrix), [None, pa.py_buffer(matrix)]
    )
    return pc.binary_join_element_wise(head.cast(pa.binary()), *texts, b"").to_pylist()


def _modulo(digests: bytes, divisor: int) -> np.ndarray:
    """Each 32 bytes, as one big-endian number, modulo the divisor; all at once."""
    limbs = np.frombuffer(digests, ">u8").reshape(-1, 4) % np.uint64(divisor)
    weights = [pow(2, 64 * power, divisor) for power in (3, 2, 1, 0)]
    return (limbs @ np.array(weights, np.uint64)).astype(np.int64) % divisor


def _bytes_of(column: pa.Array) -> np.ndarray:
    """(rows, width) of uint8, least significant byte first."""
    values = column.to_numpy(zero_copy_only=False)
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).view(np.uint8).reshape(len(values), -1)
