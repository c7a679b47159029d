"""Beam's file system for file:// addresses: it has one for paths alone."""

# ruff: noqa: D102 (Beam's FileSystem says what each method does)

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.io.localfilesystem import LocalFileSystem

_SCHEME = "file://"


class AddressedFiles(FileSystem):  # type: ignore[misc]
    """Beam's own local files, each by its address; Beam finds any subclass."""

    def __init__(self, pipeline_options: Any) -> None:
        """Takes what Beam gives every file system."""
        super().__init__(pipeline_options)
        self._local = LocalFileSystem(pipeline_options)

    @classmethod
    def scheme(cls) -> str:
        """What its addresses begin with."""
        return "file"

    def join(self, basepath: str, *paths: str) -> str:
        return _address(self._local.join(_path(basepath), *paths))

    def split(self, path: str) -> tuple[str, str]:
        head, tail = self._local.split(_path(path))
        return _address(head), tail

    def mkdirs(self, path: str) -> None:
        self._local.mkdirs(_path(path))

    def has_dirs(self) -> bool:
        return True

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        return map(_addressed, self._local._list(_path(dir_or_prefix)))

    def create(self, path: str, *how: Any, **more: Any) -> BinaryIO:
        return self._local.create(_path(path), *how, **more)

    def open(self, path: str, *how: Any, **more: Any) -> BinaryIO:
        return self._local.open(_path(path), *how, **more)

    def copy(self, source_file_names: Any, destination_file_names: Any) -> None:
        self._local.copy(*map(_paths, (source_file_names, destination_file_names)))

    def rename(self, source_file_names: Any, destination_file_names: Any) -> None:
        self._local.rename(*map(_paths, (source_file_names, destination_file_names)))

    def exists(self, path: str) -> bool:
        return bool(self._local.exists(_path(path)))

    def size(self, path: str) -> int:
        return int(self._local.size(_path(path)))

    def last_updated(self, path: str) -> float:
        return float(self._local.last_updated(_path(path)))

    def checksum(self, path: str) -> str:
        return str(self._local.checksum(_path(path)))

    def metadata(self, path: str) -> FileMetadata:
        return _addressed(self._local.metadata(_path(path)))

    def delete(self, paths: list[str]) -> None:
        self._local.delete(_paths(paths))


def _path(address: str) -> str:
    return address.removeprefix(_SCHEME)


def _paths(addresses: list[str]) -> list[str]:
    return [_path(address) for address in addresses]


def _address(path: str) -> str:
    return f"{_SCHEME}{path}"


def _addressed(found: FileMetadata) -> FileMetadata:
    return FileMetadata(
        _address(found.path), found.size_in_bytes, found.last_updated_in_seconds
    )
