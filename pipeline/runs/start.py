"""What the runner writes down when a run begins, for whoever tells of its end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import files

FILE = "started.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunStart:
    """When and of what a run began, and what a person may want to open or to type."""

    started: float | None = None
    """Seconds since 1970."""

    code: str = ""
    """Which code: commit or image."""

    next: str = ""
    """The command to type now."""

    log: str = ""
    """Where the details are: a file, or the console's page of the run."""

    report: str = ""
    """The page that shows the run, where the runner makes one."""

    partial: bool = False
    """Only a part of the graph was asked for."""

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RunStart:
        """The start of what `to_dict` gave, however much of it is there."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in plain.items() if key in names})


def read(runs: Path, run_id: str) -> RunStart:
    """The start of that run; an empty one where the runner left none."""
    return RunStart.from_dict(files.read_json(runs / run_id / FILE) or {})
