"""The files of an artifact: synced before MLMD has it, and whether they are there."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pipeline import content, files
from pipeline.metadata.records import Properties
from pipeline.recorded import Payload, Pushed

# TFX's layout: OUTPUT_ROOT/artifacts/NODE/OUTPUT/EXECUTION, of a value one more; each
# of them may be new.
_ABOVE = 5


def sync(uri: str) -> None:
    """Returns when the files are on the disk, so that MLMD may say that they are.

    Raises:
      OSError: the disk does not take them.
    """
    if os.path.exists(uri):
        files.sync(uri, _ABOVE)


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


def difference(uri: str, properties: Properties, thorough: bool) -> str:
    """Where the files are not as they were recorded; '' when they are, or were not.

    Args:
      uri: of a folder on this machine.
      properties: of the artifact, with `recorded.Payload`.
      thorough: read every byte; else look at names and sizes alone.

    Raises:
      OSError: a file cannot be read.
    """
    recorded = properties.get(Payload.CONTENT)
    if not recorded:
        return ""
    lines = content.differences(uri, json.loads(str(recorded)), thorough)
    return f"{uri}: {', '.join(lines)}" if lines else ""


def here(uri: str) -> Path | None:
    """Where this machine sees it: a bucket perhaps under its mount, /gcs; else None."""
    if not is_remote(uri):
        return Path(uri)
    mounted = files.mounted(uri)
    return mounted if mounted and mounted.exists() else None


def is_remote(uri: str) -> bool:
    """Whether only a service can say."""
    return "://" in uri
