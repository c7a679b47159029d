"""The manifest of a version: what it was made of, and the digest of each file.

It lies in the SavedModel's assets.extra, which TensorFlow keeps for others and never
reads. Its own digest is on record elsewhere, so nobody changes file and manifest.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pipeline.registry.versions import Origin
from transform import missing

FILE = "assets.extra/millrace.json"
_MODEL = "saved_model.pb"

Files = Mapping[str, tuple[int, str]]
"""Path inside the version -> size in bytes, SHA-256."""


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What the file says."""

    origin: Origin
    files: Files
    content: str = ""
    """Digest of the model itself; '' in a manifest of before there was one."""

    @property
    def digest(self) -> str:
        """SHA-256 over the names and contents of its files."""
        lines = (
            f"{name}\0{sha256}\n" for name, (_, sha256) in sorted(self.files.items())
        )
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def compose(origin: Origin, files: Files, content: str = "") -> bytes:
    """What the file holds; the same for the same."""
    value = {
        "schema": "millrace-manifest-1",
        **dataclasses.asdict(origin),
        **({"model_sha256": content} if content else {}),
        "missing_number": missing.NUMBER,
        "files": {
            name: {"bytes": size, "sha256": sha256}
            for name, (size, sha256) in files.items()
        },
    }
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def digest(content: bytes) -> str:
    """SHA-256 of the file's content, which is what goes on record."""
    return hashlib.sha256(content).hexdigest()


def read(version: Path) -> Manifest | None:
    """The manifest of a version; None when it has none, or not one of ours."""
    try:
        value = json.loads((version / FILE).read_bytes())
        names = [field.name for field in dataclasses.fields(Origin)]
        files = value["files"].items()
        return Manifest(
            Origin(**{name: value[name] for name in names}),
            {name: (entry["bytes"], entry["sha256"]) for name, entry in files},
            str(value.get("model_sha256", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def problem(version: Path, recorded: str = "", thorough: bool = True) -> str:
    """Why the folder cannot serve; '' when nothing speaks against it.

    Args:
      version: the folder.
      recorded: the digest of the manifest that is on record; '' is none.
      thorough: read every byte; else look at names and sizes alone.
    """
    if not version.is_dir():
        return f"{version} is missing"
    if not (version / _MODEL).is_file():
        return f"{version / _MODEL} is missing"
    found = read(version)
    if found is None:
        return f"{version / FILE} is missing or damaged" if recorded else ""
    if recorded and digest((version / FILE).read_bytes()) != recorded:
        return f"{version / FILE} is not the one that was pushed"
    for name, (size, sha256) in sorted(found.files.items()):
        file = version / name
        if not file.is_file():
            return f"{file} is missing"
        if file.stat().st_size != size:
            return f"{file} has {file.stat().st_size} bytes and was pushed with {size}"
        if thorough and _sha256(file) != sha256:
            return f"{file} is not the one that was pushed"
    return ""


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
