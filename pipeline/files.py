"""Files of a run's folder, on this machine or in a bucket."""

from __future__ import annotations

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
    """Writes the file all at once: a reader never sees a half of it.

    Raises:
      OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        # A file's name may hold what is no character; UTF-8 has no bytes for it.
        partial.write_text(text, encoding="utf-8", errors="replace")
        partial.replace(file)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def read_json(file: Path) -> Any:
    """What write_json wrote; None when it is not there, or is something else."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(file: Path, value: Any) -> None:
    """Writes plain values as a JSON file, all at once."""
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
