"""Which version of the code this is, and in which surroundings it runs."""

from __future__ import annotations

import dataclasses
import getpass
import hashlib
import importlib.metadata
import json
import os
import platform
import socket
import subprocess
from pathlib import Path

from pipeline import content, recorded
from pipeline.config.config import LOCK, ROOT

_LIBRARIES = (
    "tfx",
    "tensorflow",
    "keras",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "apache-beam",
    "ml-metadata",
    "numpy",
    "pyarrow",
)


@dataclasses.dataclass(frozen=True)
class Commit:
    """A state of the working tree."""

    commit: str
    """40 hex digits; '' outside of git."""

    dirty: bool = False
    diff_digest: str = ""
    """SHA-256 of the difference to the commit and of files that git does not know."""


def version() -> str:
    """The commit, and whether something was changed since; '' outside of git."""
    found = revision()
    return f"commit {found}" if found else ""


def revision() -> str:
    """Its first twelve digits, with -dirty when something was changed since; or ''."""
    found = _git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    return found.decode().strip() if found is not None else _built_from()[:12]


def commit() -> Commit:
    """The commit and the digest of what was changed since."""
    head = _git("rev-parse", "HEAD")
    if head is None:
        return Commit(_built_from())
    diff = _git("diff", "HEAD", "--binary", "--no-ext-diff", "--no-color") or b""
    listed = _git("ls-files", "--others", "--exclude-standard", "-z") or b""
    untracked = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    if not diff and not untracked:
        return Commit(head.decode().strip())
    total = hashlib.sha256(diff)
    for name in sorted(untracked):
        total.update(f"\0{name}\0{_content(ROOT / name)}".encode(errors="replace"))
    return Commit(head.decode().strip(), True, total.hexdigest())


def versions() -> dict[str, str]:
    """Python's and the libraries' versions, without importing any."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def surroundings(trigger: str, image: str = "") -> dict[str, str]:
    """What is recorded of every run beside its configuration; no secret among it."""
    state = commit()
    return {
        recorded.RunKey.VERSION: recorded.VERSION,
        **origin(trigger),
        recorded.RunKey.COMMIT: state.commit,
        recorded.RunKey.DIRTY: str(state.dirty).lower(),
        recorded.RunKey.DIFF_DIGEST: state.diff_digest,
        recorded.RunKey.ROOT: str(ROOT),
        recorded.RunKey.LOCK_DIGEST: _content(LOCK),
        recorded.RunKey.VERSIONS: json.dumps(versions()),
        recorded.RunKey.IMAGE: image,
    }


def origin(trigger: str) -> dict[str, str]:
    """Who started it, where, and why: 'hand', 'schedule NAME', ..."""
    return {
        recorded.RunKey.TRIGGER: trigger,
        recorded.RunKey.USER: _user(),
        recorded.RunKey.HOST: socket.gethostname(),
    }


def _built_from() -> str:
    """An image has no repository; the Dockerfile says what it was built from."""
    return os.environ.get("MILLRACE_COMMIT", "")


def _git(*arguments: str) -> bytes | None:
    try:
        found = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, check=False
        )
    except FileNotFoundError:
        return None
    return found.stdout if found.returncode == 0 else None


def _content(file: Path) -> str:
    try:
        return content.of_file(str(file))["sha256"]
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have
        return str(os.getuid())
