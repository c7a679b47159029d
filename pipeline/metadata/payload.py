"""Whether what an artifact stands for is still there."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline import files
from pipeline.metadata.records import Properties
from pipeline.recorded import Pushed


def exists(uri: str, properties: Properties) -> bool:
    """Gone is a folder, an emptied folder, and a pushed version that was removed."""
    if not uri or is_remote(uri):
        return True
    if Pushed.DESTINATION in properties:
        return os.path.isdir(str(properties[Pushed.DESTINATION]))
    if Pushed.PUSHED in properties:
        return True  # not pushed: there is nothing to keep
    if os.path.isdir(uri):
        return bool(os.listdir(uri))
    return os.path.exists(uri)


def here(uri: str) -> Path | None:
    """Where this machine sees it: a bucket perhaps under its mount, /gcs; else None."""
    if not is_remote(uri):
        return Path(uri)
    mounted = files.mounted(uri)
    return mounted if mounted and mounted.exists() else None


def is_remote(uri: str) -> bool:
    """Whether only a service can say."""
    return "://" in uri
