"""What became of one node in one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass
class NodeRun:
    """What is known of one node of a run, so far."""

    id: str
    state: str = "waiting"
    """waiting, running, done, cached, reused, skipped or failed."""

    seconds: float = 0.0
    saved_s: float = 0.0
    """Seconds that the cached execution took when it ran."""

    rows: int | None = None
    """Rows that the node read; None when nothing says so."""

    execution_id: int | None = None

    def to_dict(self) -> Mapping[str, object]:
        """For the summary; what never ran read no rows."""
        rows = None if self.state == "waiting" else self.rows
        return {**vars(self), "rows": rows, "seconds": round(self.seconds, 2)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> NodeRun:
        """The node of what `to_dict` gave, whatever else an older summary says."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in plain.items() if key in names})
