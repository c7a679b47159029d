"""Which libraries a lock holds: names, versions and the hashes that are allowed."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import subprocess
from pathlib import Path

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclasses.dataclass(frozen=True)
class Library:
    """One line of the lock."""

    name: str
    version: str
    sha256: tuple[str, ...]
    """Digest of each file that may be installed, source or wheel."""


def libraries(text: str) -> list[Library]:
    """In the order of the lock."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        pin = _PIN.match(line)
        if pin:
            hashes = tuple(sorted(_HASH.findall(line)))
            found.append(Library(pin[1].lower(), pin[2], hashes))
    return found


def recorded(path: Path, digest: str, commit: str) -> str | None:
    """The lock with that SHA-256: the file, or what the commit has; None is neither.

    Args:
      path: where it lies in this tree.
      digest: on record.
      commit: of the code that ran; '' is not known.
    """
    candidates = [path.read_bytes() if path.is_file() else b""]
    if re.fullmatch(r"[0-9a-f]{40}", commit):
        candidates.append(_of_commit(path, commit))
    for content in candidates:
        if hashlib.sha256(content).hexdigest() == digest:
            return content.decode("utf-8")
    return None


def _of_commit(path: Path, commit: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "show", f"{commit}:./{path.name}"],
            cwd=path.parent,
            capture_output=True,
            check=False,
        )
    except OSError:
        return b""
    return done.stdout
