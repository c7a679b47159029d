"""Files that stay: what was written is whole, and survives a loss of power.

A kernel writes back when it likes: first the names, half a minute later what is in the
files. So whoever says that something is done has it synced before: its bytes, the
folders with their names, and the folder above after a rename. Nothing else in the
project calls fsync. What is in a bucket stays when it is closed.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any


def folder(uri: str) -> Path:
    """The path of a folder; a bucket is mounted at /gcs in Vertex's containers.

    A file:// address names its path itself: those of a rehearsal.

    Only for code that a task on Vertex executes; elsewhere see `mounted`.

    Source: Vertex AI's documentation of Cloud Storage FUSE in custom training, which
    pipeline tasks are.
    """
    return Path(uri.removeprefix("file://").replace("gs://", "/gcs/", 1))


def mounted(uri: str) -> Path | None:
    """Where this machine has mounted the bucket of a URI; None where it has not.

    That a folder /gcs exists proves nothing: it, or the bucket's folder in it, must be
    a mount point.
    """
    path = folder(uri)
    if path.parts[:2] != ("/", "gcs") or len(path.parts) < 3:
        return None
    return (
        path if any(map(os.path.ismount, ("/gcs", f"/gcs/{path.parts[2]}"))) else None
    )


def write_text(file: Path, text: str) -> None:
    """Writes the file as `write_bytes` does.

    Raises:
      OSError: it cannot be written.
    """
    # A file's name may hold what is no character; UTF-8 has no bytes for it.
    write_bytes(file, text.encode("utf-8", errors="replace"))


def write_bytes(file: Path, content: bytes) -> None:
    """Writes the file all at once: a reader, or a crash, never sees a half of it.

    Raises:
      OSError: it cannot be written.
    """
    make_folder(file.parent)
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        _flush(partial)
        rename(partial, file)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def append(file: Path, line: bytes) -> None:
    """Adds a line to the file, which is made if it is not there.

    Raises:
      OSError: it cannot be written.
    """
    is_new = not file.exists()
    with file.open("a+b") as stream:
        stream.seek(0, os.SEEK_END)
        # A crash may have left half a line, which must not spoil this one.
        if stream.tell() and not _ends_with_newline(stream.fileno()):
            stream.write(b"\n")
        stream.write(line + b"\n")
    _flush(file)
    if is_new:
        _flush(file.parent)


def rename(source: Path, target: Path) -> None:
    """Gives a file or folder another name, over what had it; what is in it is synced.

    Raises:
      OSError: it cannot be renamed.
    """
    os.replace(source, target)
    for folder in {target.parent, source.parent}:
        _flush(folder)


def make_folder(path: Path) -> None:
    """Makes the folder, and those above it that are not there.

    Raises:
      OSError: it cannot be made.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for each in missing:
        _flush(each.parent)


def sync(path: str, above: int = 1) -> None:
    """Returns when a file, or a folder with all that is below it, is on the disk.

    Args:
      path: on this machine; of a URI nothing is done.
      above: how many folders above it may be new, or have got a new name in them.

    Raises:
      OSError: it cannot be read, or the disk does not take it.
    """
    if "://" in path:
        return
    for folder, _, names in os.walk(path, topdown=False):
        for name in names:
            _flush(Path(folder, name))
        _flush(Path(folder))
    if not os.path.isdir(path):
        _flush(Path(path))
    for parent in list(Path(path).parents)[:above]:
        _flush(parent)


def _flush(path: Path) -> None:
    if path.is_symlink():
        return  # the folder has it, with where it leads
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems of a network know no sync of a folder.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(handle)


def _ends_with_newline(file: int) -> bool:
    return os.pread(file, 1, os.fstat(file).st_size - 1) == b"\n"


def read_json(file: Path) -> Any:
    """What write_json wrote; None when it is not there, or is something else."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(file: Path, value: Any) -> None:
    """Writes plain values as a JSON file, all at once."""
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
