"""Files of a run's folder, on this machine or in a bucket."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def folder(uri: str) -> Path:
    """The path of a folder; a bucket is mounted at /gcs in Vertex's containers.

    Source: Vertex AI's documentation of Cloud Storage FUSE in custom training, which
    pipeline tasks are.
    """
    return Path(uri.replace("gs://", "/gcs/", 1))


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
    """The same, of plain values."""
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
