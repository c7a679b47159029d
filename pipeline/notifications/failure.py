"""Why a node failed, in its own words: a file in the run's folder.

Vertex tells the exit handler only that a container ended with 1; the words are in its
log. So the node itself leaves them where the exit handler finds them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import files

FILE = "failure.json"


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a node failed."""

    node: str
    outcome: str
    """The word of pipeline.runs.outcome.Outcome."""

    reasons: tuple[str, ...]
    """The error's own words."""

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, plain: Any) -> Failure | None:
        """Of JSON that somebody may have damaged: None when it is not one."""
        try:
            return cls(plain["node"], plain["outcome"], tuple(plain["reasons"]))
        except (KeyError, TypeError):
            return None


def leave(runs: Path, run_id: str, node: str, outcome: str, reason: str) -> None:
    """Writes it down.

    Raises:
      OSError: the folder cannot be written.
    """
    files.write_json(runs / run_id / FILE, Failure(node, outcome, (reason,)).to_dict())


def found(runs: Path, run_id: str) -> Failure | None:
    """What was left in a folder of this machine; None when nothing was."""
    return Failure.from_dict(files.read_json(runs / run_id / FILE))
