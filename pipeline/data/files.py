"""Which files there are, and the units of work they make."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from tfx.dsl.io import fileio

from pipeline.data.formats import format_of, is_gzip
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


def stamp(file: str) -> str:
    """Changes with the file: its size and times.

    On a disk the time of the last change is among them, which nobody can set back.

    Raises:
      DataUnreadable: it is gone.
    """
    try:
        if "://" in file:
            there = tf.io.gfile.stat(file)
            return f"{there.length} {there.mtime_nsec}"
        here = os.stat(file)
    except (OSError, tf.errors.NotFoundError) as error:
        raise _gone(file, error) from None
    return f"{here.st_size} {here.st_mtime_ns} {here.st_ctime_ns}"


class Digest:
    """SHA-256 of a file's own bytes, taken while somebody else reads them."""

    def __init__(self) -> None:
        self._total = hashlib.sha256()
        self._ended = False

    def restart(self) -> None:
        """Forgets it all, for a reader that begins again."""
        self._total, self._ended = hashlib.sha256(), False

    def add(self, block: bytes | memoryview) -> None:
        """Takes what was read; nothing means the end of the file."""
        self._total.update(block)
        self._ended = not len(block)

    @property
    def sha256(self) -> str | None:
        """Of the whole file; None when it was not read to its end, or not here."""
        return self._total.hexdigest() if self._ended else None


@contextlib.contextmanager
def opened(file: str, digest: Digest | None = None) -> Iterator[io.BufferedReader]:
    """The bytes of the file, decompressed, from any file system that TFX knows.

    Args:
      file: path or URI.
      digest: takes the bytes as they come, before they are decompressed; the stream
        must then be read from its start to its end.

    Raises:
      DataUnreadable: it is gone.
    """
    try:
        # TFX's fileio takes a call for each block of a local file.
        opener = fileio.open if "://" in file else open
        source = opener(file, "rb")
    except (OSError, fileio.NotFoundError) as error:
        raise _gone(file, error) from None
    with source:
        raw: Any = source if isinstance(source, io.IOBase) else _Raw(source)
        if digest is not None:
            raw = io.BufferedReader(_Digested(raw, digest), 1 << 16)
        if is_gzip(file):
            raw = gzip.GzipFile(fileobj=raw)
        yield io.BufferedReader(raw, 1 << 16)


@contextlib.contextmanager
def arrow_stream(file: str, digest: Digest) -> Iterator[Any]:
    """The same bytes for Arrow's CSV reader, which reads ahead in threads of its own.

    From a disk Arrow reads without Python: a process that ends while such a thread
    is in Python's code is aborted (apache/arrow#43604).

    Args:
      file: path or URI.
      digest: takes the bytes from elsewhere; on a disk `stamp` tells of a change.

    Raises:
      DataUnreadable: it is gone.
    """
    if "://" in file:
        with opened(file, digest) as stream:
            yield stream
        return
    try:
        source = pa.input_stream(file, "gzip" if is_gzip(file) else None)
    except OSError as error:
        raise _gone(file, error) from None
    with source:
        yield source


def _gone(file: str, error: Exception) -> DataUnreadable:
    return DataUnreadable(
        f"{file}: cannot be read: {error}. It was there when the run was planned; "
        "run again when the files are not being moved"
    )


class _Digested(io.RawIOBase):
    """Shows a digest all that passes; cannot seek, so all of it passes once."""

    def __init__(self, source: io.BufferedIOBase, digest: Digest) -> None:
        self._source, self._digest = source, digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._source.readinto(buffer) or 0
        self._digest.add(memoryview(buffer)[:count])
        return count


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
