"""Buckets, whose objects are files of a folder, so that the folder can be mounted.

FOLDER/BUCKET/NAME holds the object's content; its time of change is its generation, so
that what is written through the mount is an object like any other. A folder that is
empty stands for the object `NAME/`, as gcsfuse makes one.

A file system cannot hold all names: `a` beside `a/b`, `a//b` and `a/../b` are objects
of Cloud Storage, and 501 here. None of ours is meant to have such a name.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import google_crc32c

from tests.fakes.gcs.request import RefusedError


@dataclasses.dataclass(frozen=True)
class Told:
    """What an upload says of an object, beside its content."""

    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Object:
    """One generation of an object."""

    bucket: str
    name: str
    generation: int
    """Microseconds since 1970."""

    content: bytes
    told: Told
    metageneration: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Its resource: integers are text, as int64 is in JSON."""
        crc32c, md5 = hashes(self.content)
        path = f"{self.bucket}/{self.name}"
        changed = _time(self.generation)
        return {
            "kind": "storage#object",
            "id": f"{path}/{self.generation}",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "contentType": self.told.content_type,
            "storageClass": "STANDARD",
            "size": str(len(self.content)),
            "crc32c": crc32c,
            "md5Hash": md5,
            "etag": self.etag,
            "timeCreated": changed,
            "updated": changed,
            **({"metadata": dict(self.told.metadata)} if self.told.metadata else {}),
        }

    @property
    def etag(self) -> str:
        """Of this content and metadata."""
        return base64.b64encode(f"{self.generation}".encode()).decode()


class Objects:
    """The buckets below a folder; each folder there is one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: dict[tuple[str, str, int], tuple[Told, int]] = {}
        self._newest = 0

    def require_bucket(self, bucket: str) -> None:
        """Refuses a bucket that does not exist."""
        if not bucket or not (self._folder / bucket).is_dir():
            raise RefusedError(404, "The specified bucket does not exist.")

    def found(self, bucket: str, name: str) -> Object | None:
        """The live generation of an object, or None."""
        self.require_bucket(bucket)
        path = self._path(bucket, name)
        is_folder = name.endswith("/")
        if is_folder and not (path.is_dir() and self._is_marked(path, bucket, name)):
            return None
        if not is_folder and not path.is_file():
            return None
        generation = path.stat().st_mtime_ns // 1000
        if is_folder:
            known = [key[2] for key in self._told if key[:2] == (bucket, name)]
            generation = max(known, default=generation)
        content = b"" if is_folder else path.read_bytes()
        told, meta = self._told.get((bucket, name, generation), (Told(), 1))
        return Object(bucket, name, generation, content, told, meta)

    def get(self, bucket: str, name: str, generation: str | None = None) -> Object:
        """An object that is there, of that generation where one is asked for."""
        found = self.found(bucket, name)
        if found is None or generation not in (None, str(found.generation)):
            raise RefusedError(404, f"No such object: {bucket}/{name}")
        return found

    def put(self, bucket: str, name: str, content: bytes, told: Told) -> Object:
        """Makes a new generation, all at once."""
        self.require_bucket(bucket)
        path = self._path(bucket, name)
        self._newest = max(time.time_ns() // 1000, self._newest + 1)
        if name.endswith("/"):
            if content:
                raise RefusedError(501, f"a folder's object with content: {name}")
            path.mkdir(parents=True, exist_ok=True)
        else:
            self._write(path, content)
        self._forget(bucket, name)
        self._told[bucket, name, self._newest] = (told, 1)
        return self.get(bucket, name)

    def tell(self, found: Object, told: Told) -> Object:
        """Changes what is said of an object, and its metageneration."""
        key = found.bucket, found.name, found.generation
        self._told[key] = (told, found.metageneration + 1)
        return self.get(found.bucket, found.name)

    def delete(self, found: Object) -> None:
        """Takes the object, and the folders that no other object is in."""
        path = self._path(found.bucket, found.name)
        self._forget(found.bucket, found.name)
        if not found.name.endswith("/"):
            path.unlink()
            path = path.parent
        root = self._folder / found.bucket
        while path != root and not os.listdir(path):
            if self._told_of(found.bucket, f"{path.relative_to(root)}/"):
                break
            path.rmdir()
            path = path.parent

    def names(self, bucket: str) -> list[str]:
        """Of all objects, by their bytes."""
        self.require_bucket(bucket)
        root = self._folder / bucket
        return sorted(self._names(root, bucket), key=str.encode)

    def _names(self, root: Path, bucket: str) -> Iterator[str]:
        for folder, _, files in os.walk(root):
            path = Path(folder)
            if path != root:
                marker = f"{path.relative_to(root)}/"
                if self._is_marked(path, bucket, marker):
                    yield marker
            for file in files:
                yield str((path / file).relative_to(root))

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Beside the buckets: nobody lists it, and renaming it is one step.
            handle, partial = tempfile.mkstemp(dir=self._folder, prefix=".upload-")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.utime(partial, ns=(self._newest * 1000, self._newest * 1000))
            Path(partial).chmod(0o644)
            Path(partial).replace(path)
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            words = f"{path}: an object beside others that are below it"
            raise RefusedError(501, words) from None

    def _is_marked(self, path: Path, bucket: str, name: str) -> bool:
        return self._told_of(bucket, name) or not os.listdir(path)

    def _told_of(self, bucket: str, name: str) -> bool:
        return any(key[:2] == (bucket, name) for key in self._told)

    def _forget(self, bucket: str, name: str) -> None:
        for key in [key for key in self._told if key[:2] == (bucket, name)]:
            del self._told[key]

    def _path(self, bucket: str, name: str) -> Path:
        if not name or len(name.encode()) > 1024:
            raise RefusedError(400, f"Invalid object name {name!r}")
        parts = name.removesuffix("/").split("/")
        if {"", ".", ".."} & {*parts}:
            raise RefusedError(501, f"a name that no folder has: {name!r}")
        return self._folder.joinpath(bucket, *parts)


def _time(generation: int) -> str:
    seconds, micros = divmod(generation, 1_000_000)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{stamp}.{micros // 1000:03}Z"


def hashes(content: bytes) -> tuple[str, str]:
    """CRC32C and MD5, in base64."""
    crc = google_crc32c.value(content).to_bytes(4, "big")
    md5 = hashlib.md5(content).digest()
    return base64.b64encode(crc).decode(), base64.b64encode(md5).decode()
