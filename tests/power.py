"""A loss of power: what is on the disk of what was written, at the worst.

The recorder stands for the disk. What was synced is there as it was then: of a file its
bytes, of a folder its names. A file that was never synced is empty. Of the names of a
folder that changed since its last sync there are the old ones, or the new ones already:
a file system promises neither.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

Inode = tuple[int, int]


class Disk:
    """What would be left of a folder, which itself is there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._bytes: dict[Inode, bytes] = {}
        self._names: dict[Inode, dict[str, os.stat_result]] = {}
        self._kept: list[int] = []
        """Descriptors: so no number of an inode is given to another file."""

    @contextlib.contextmanager
    def recorded(self, at_each_sync: Callable[[], None] = lambda: None) -> Iterator:
        """While it is entered, every sync of this process is noted.

        Args:
          at_each_sync: called before and after each one.
        """
        real = os.fsync

        def fsync(file: int) -> None:
            at_each_sync()
            real(file)
            self._note(file)
            at_each_sync()

        self._note_all(self._root)
        try:
            with mock.patch.object(os, "fsync", fsync):
                yield
        finally:
            for file in self._kept:
                os.close(file)
            self._kept.clear()

    def left(self, target: Path, new_names: bool = False) -> Path:
        """Writes what is left into a new folder, and returns it."""
        if new_names:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(self._root, target, copy_function=self._copy)
        else:
            self._restore(self._root.stat(), target)
        return target

    def _copy(self, source: str, target: str) -> None:
        Path(target).write_bytes(self._bytes.get(_inode(os.stat(source)), b""))

    def _note_all(self, folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            file = os.open(path, os.O_RDONLY)
            self._note(file)
            os.close(file)

    def _note(self, file: int) -> None:
        status = os.fstat(file)
        self._kept.append(os.dup(file))
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(file) as entries:
                found = {each.name: each for each in entries}
            names = {n: e.stat() for n, e in found.items() if not e.is_symlink()}
            for name, entry in names.items():
                self._keep(os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=file), entry)
            self._names[_inode(status)] = names
        else:
            self._bytes[_inode(status)] = os.pread(file, status.st_size, 0)

    def _keep(self, file: int, status: os.stat_result) -> None:
        self._kept.append(file)
        self._bytes.setdefault(_inode(status), b"")
        self._names.setdefault(_inode(status), {})

    def _restore(self, status: os.stat_result, target: Path) -> None:
        if not stat.S_ISDIR(status.st_mode):
            target.write_bytes(self._bytes[_inode(status)])
            return
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name, entry in self._names[_inode(status)].items():
            self._restore(entry, target / name)


def _inode(status: os.stat_result) -> Inode:
    return status.st_dev, status.st_ino
