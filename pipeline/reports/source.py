"""Where runs are on record, and what is known of one before its files are opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline.reports.nodes import Node
from pipeline.runs.start import RunStart
from pipeline.runs.summary import RunSummary


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """What is known of a run before any artifact is opened, however far it came."""

    summary: RunSummary

    config: Mapping[str, Any]
    """Every value that it ran with."""

    start: RunStart

    told: Sequence[Any]
    """Whom people's channels told, and what became of it."""

    nodes: Sequence[Node]


class Source(Protocol):
    """Where runs are on record: an output root, or Vertex AI."""

    def recorded(self, run_id: str) -> RecordedRun:
        """Of that run.

        Raises:
          UsageError: there is no such run, or it has no end.
        """
        ...

    def before(self, summary: RunSummary) -> str | None:
        """The newest run before that one, of its pipeline and the whole graph."""
        ...

    def folder(self, uri: str, part: str) -> str:
        """Where an artifact's files can be opened whose names begin with `part`."""
        ...
