"""Why a node failed, in its own words: a file in the run's folder.

Vertex tells the exit handler only that a container ended with 1; the words are in its
log. So the node itself leaves them where the exit handler finds them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline import files

FILE = "failure.json"


def leave(runs: Path, run_id: str, node: str, outcome: str, reason: str) -> None:
    """Writes it down.

    Raises:
      OSError: the folder cannot be written.
    """
    value = {"node": node, "outcome": outcome, "reasons": [reason]}
    files.write_json(runs / run_id / FILE, value)


def found(runs: Path, run_id: str) -> dict[str, Any]:
    """Fields of Facts; {} when nothing was left."""
    return parsed(files.read_json(runs / run_id / FILE))


def parsed(value: Any) -> dict[str, Any]:
    """The same, of the file's JSON."""
    try:
        return {**value, "reasons": tuple(value["reasons"])}
    except (KeyError, TypeError):
        return {}
