"""Which files there are, and the units of work they make."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow.parquet as pq
import tensorflow as tf
from tfx.dsl.io import fileio

from pipeline.data.formats import format_of
from pipeline.errors import DataUnreadable


@dataclasses.dataclass(frozen=True)
class Unit:
    """What one worker reads at a time: a CSV file, or a row group of a Parquet file."""

    file: str
    number: int
    """Position among all units; names the shards."""

    row_group: int | None = None
    first_row: int = 1
    """Number of its first row in the file, from 1."""


def units(files: Sequence[str]) -> list[Unit]:
    """Splits the files into units of work.

    Raises:
      DataUnreadable: a Parquet file's footer cannot be read.
    """
    found: list[Unit] = []
    for file in files:
        if format_of(file) != "parquet":
            found.append(Unit(file, len(found)))
            continue
        first = 1
        with opened(file) as stream, readable(file):
            metadata = pq.ParquetFile(stream).metadata
        for group in range(metadata.num_row_groups):
            found.append(Unit(file, len(found), group, first))
            first += metadata.row_group(group).num_rows
    return found


@contextlib.contextmanager
def opened(file: str) -> Iterator[io.BufferedReader]:
    """The bytes of the file, decompressed, from any file system that TFX knows.

    Raises:
      DataUnreadable: it is gone.
    """
    try:
        # TFX's fileio takes a call for each block of a local file.
        opener = fileio.open if "://" in file else open
        source = opener(file, "rb")
    except (OSError, fileio.NotFoundError) as error:
        raise DataUnreadable(
            f"{file}: cannot be read: {error}. It was there when the run was planned; "
            "run again when the files are not being moved"
        ) from None
    with source:
        raw: Any = source if isinstance(source, io.IOBase) else _Raw(source)
        if file.endswith(".gz"):
            raw = gzip.GzipFile(fileobj=raw)
        yield io.BufferedReader(raw, 1 << 16)


class _Raw(io.RawIOBase):
    """A file of TFX's as one of Python's: TensorFlow's GFile has no `readinto`."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._source.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._source.seek(offset, whence)
        return self._source.tell()

    def tell(self) -> int:
        return self._source.tell()


# ArrowInvalid is a ValueError; zlib's and TensorFlow's errors are nothing but errors.
_DAMAGE = (EOFError, OSError, ValueError, zlib.error, tf.errors.OpError)


@contextlib.contextmanager
def readable(file: str) -> Iterator[None]:
    """Turns a library's error about the file's bytes into one that names the file.

    Raises:
      DataUnreadable: the file is cut off or damaged.
    """
    try:
        yield
    except _DAMAGE as error:
        raise DataUnreadable(
            f"{file}: cannot be read as {format_of(file)}: {error}. Is it complete? "
            "Compare it with its source"
        ) from error
