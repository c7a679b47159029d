"""The bytes of a CSV: encoding, header, and how long a row may be.

Standard library alone: whoever looks at a file before a run has milliseconds. Every
reader of CSV files takes the header from here, so all of them know the same columns.
"""

from __future__ import annotations

import codecs
import collections
import csv
import dataclasses
import io
import sys
from collections.abc import Iterable
from typing import Protocol

from pipeline.errors import DataUnreadable

# Python's own limit of 128 KiB a cell is no limit of ours.
csv.field_size_limit(sys.maxsize)

TEXT = "utf-8-sig"
"""Python's name for UTF-8 whose byte order mark, if there is one, is not text."""

_BLOCK_BYTES = 1 << 20


class Stream(Protocol):
    """What is read here."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one file may ask of memory."""

    header_bytes: int = 1 << 20
    row_bytes: int = 64 << 20


def header(stream: Stream, file: str, limits: Limits) -> list[str]:
    """The names of the columns, of a stream at its start; nothing of an empty file.

    A byte order mark, as Excel writes one, is not part of the first name.

    Raises:
      DataUnreadable: it is UTF-16, longer than allowed, or names a column twice.
    """
    start = stream.read(limits.header_bytes + 1)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataUnreadable(
            f"{file}: starts with {start[:2].hex(' ').upper()}, the mark of UTF-16; "
            f"expected UTF-8. Convert it: {_iconv(file, 'UTF-16')}"
        )
    text = io.StringIO(start.decode(TEXT, errors="replace"), newline="")
    # Arrow skips empty lines before the header, too.
    names = next(filter(None, csv.reader(text)), [])
    if len(start) > limits.header_bytes and not text.read(1):
        raise DataUnreadable(
            f"{file}: its header is longer than {size(limits.header_bytes)}, which is "
            "data.max_header_bytes. Is the first line a header, and does it end?"
        )
    if any("\0" in name for name in names):
        raise DataUnreadable(
            f"{file}: there is a zero byte in its header; a text in UTF-16 has them. "
            f"If it is that: {_iconv(file, 'UTF-16LE')}"
        )
    require_once(file, names)
    return names


def require_once(file: str, names: Iterable[str]) -> None:
    """Holds that each column has a name of its own.

    Raises:
      DataUnreadable: names those that do not.
    """
    counts = collections.Counter(names)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise DataUnreadable(f"{file}: columns named twice: {', '.join(twice)}")


def require_text(stream: Stream, file: str, limits: Limits) -> None:
    """Reads all of it, a block at a time.

    Raises:
      DataUnreadable: a byte is not UTF-8, or a line is longer than a row may be.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, line_start, place = 1, 0, 0
    # A line that is too long does not fit into a block, so it is seen at its borders.
    block_bytes = min(_BLOCK_BYTES, limits.row_bytes)
    while True:
        block = stream.read(block_bytes)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # Up to three bytes before the block are the start of its first character.
            offset = error.start - (len(error.object) - len(block))
            before = block[: max(offset, 0)]
            if breaks := before.count(b"\n"):
                line_start = place + before.rindex(b"\n") + 1
            bad, column = error.object[error.start], place + offset - line_start + 1
            raise DataUnreadable(
                f"{file}: line {lines + breaks}, byte {column}: 0x{bad:02X} is not "
                f"UTF-8. Convert the file, for example: {_iconv(file, 'LATIN1')}"
            ) from None
        first = block.find(b"\n")
        end = place + (first if first >= 0 else len(block))
        if end - line_start > limits.row_bytes:
            raise too_long(file, limits, f"line {lines}")
        if not block:
            return
        if first >= 0:
            lines += block.count(b"\n")
            line_start = place + block.rindex(b"\n") + 1
        place += len(block)


def too_long(file: str, limits: Limits, which: str) -> DataUnreadable:
    """The error of a row that no memory should be spent on."""
    return DataUnreadable(
        f"{file}: {which} is longer than {size(limits.row_bytes)}, which is "
        "data.max_row_bytes. A quote that is never closed makes one row of all that "
        "follows; if the row is what it should be, allow more"
    )


def size(count: int) -> str:
    """Bytes in a person's words."""
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= factor:
            return f"{count / factor:.4g} {unit}"
    return f"{count} bytes"


def _iconv(file: str, encoding: str) -> str:
    name = file.rpartition("/")[2]
    return f"iconv -f {encoding} -t UTF-8 '{name}' > 'utf-8-{name}'"
