"""Sizes and SHA-256 of files: what a folder held, so that anyone can check it later."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, TypedDict


class Entry(TypedDict):
    """What one file held."""

    size: int
    """Bytes."""

    sha256: str


Content = dict[str, Entry]
"""Name relative to the folder, with / on every system -> what the file held."""

Walk = Callable[[str], Iterator[tuple[str, list[str], list[str]]]]
"""As os.walk; TFX's fileio.walk does the same in a bucket."""

NOTE = "assets.extra/millrace.json"
"""What a registry says of a version lies beside the model, and is no part of it."""

_BLOCK = 1 << 20


def of_folder(
    folder: str, walk: Walk = os.walk, opened: Callable[..., Any] = open
) -> Content:
    """Every file below the folder but NOTE, in the order of the names.

    Args:
      folder: a path or a URI.
      walk: lists it.
      opened: opens a file of it, as `open` does.

    Raises:
      OSError: a file cannot be read.
    """
    names = sorted(
        os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
        for place, _, files in walk(folder)
        for name in files
    )
    return {
        name: _entry(os.path.join(folder, name), opened)
        for name in names
        if name != NOTE
    }


def differences(folder: str, recorded: Content, thorough: bool) -> list[str]:
    """What is not as it was recorded, in words, file by file.

    Args:
      folder: a path.
      recorded: of `of_folder`, when the files were good.
      thorough: read every byte; else look at names and sizes alone.

    Raises:
      OSError: a file cannot be read.
    """
    sizes = {
        os.path.relpath(path, folder).replace(os.sep, "/"): os.path.getsize(path)
        for place, _, files in os.walk(folder)
        for path in (os.path.join(place, name) for name in files)
    }
    sizes.pop(NOTE, None)
    known = sorted(recorded.keys() & sizes.keys())
    cut = [name for name in known if sizes[name] != recorded[name]["size"]]
    other = [
        name
        for name in known
        if thorough
        and name not in cut
        and _entry(os.path.join(folder, name), open) != recorded[name]
    ]
    return [
        *(f"{n} has {sizes[n]} bytes, not {recorded[n]['size']}" for n in cut),
        *(f"{name} differs" for name in other),
        *(f"{name} is missing" for name in sorted(recorded.keys() - sizes.keys())),
        *(f"{name} is new" for name in sorted(sizes.keys() - recorded.keys())),
    ]


def digest(content: Mapping[str, Entry]) -> str:
    """SHA-256 over names and contents: the same for a copy, wherever it lies."""
    total = hashlib.sha256()
    for name in sorted(content):
        total.update(f"{name}\0{content[name]['sha256']}\n".encode())
    return total.hexdigest()


def text(content: Mapping[str, Entry]) -> str:
    """As MLMD keeps it."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def of_file(path: str) -> Entry:
    """One file on a disk; what was read once in this process is not read again.

    Raises:
      OSError: it cannot be read.
    """
    status = os.stat(path)
    known = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return _of_file(path, known).copy()


@functools.lru_cache(maxsize=100_000)
def _of_file(path: str, known: tuple[int, ...]) -> Entry:
    return _entry(path, open)


def _entry(path: str, opened: Callable[..., Any]) -> Entry:
    with opened(path, "rb") as stream:
        return of_stream(stream)


def of_stream(stream: BinaryIO) -> Entry:
    """What the rest of the stream holds."""
    total, size = hashlib.sha256(), 0
    while block := stream.read(_BLOCK):
        total.update(block)
        size += len(block)
    return {"size": size, "sha256": total.hexdigest()}
