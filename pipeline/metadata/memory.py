"""Records in memory, for a service that gives a pipeline's whole graph at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from pipeline.metadata.records import Artifact, Event, Execution, Run


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One pipeline; everything in the order of writing."""

    pipeline: str
    runs: tuple[Run, ...]
    artifacts: Mapping[str, Artifact]
    executions: Mapping[str, Execution]
    events: tuple[Event, ...]
    run_of: Mapping[str, str]
    """Execution -> run; a move of the champion is of none."""


class MemoryStore:
    """The records of one pipeline; of another one it holds nothing."""

    def __init__(self, where: str, recorded: Recorded) -> None:
        """Takes the records as they are."""
        self.where = where
        self._all = recorded
        self._of_artifact: dict[str, list[Event]] = {}
        self._of_execution: dict[str, list[Event]] = {}
        for event in recorded.events:
            self._of_artifact.setdefault(event.artifact, []).append(event)
            self._of_execution.setdefault(event.execution, []).append(event)

    def is_id(self, name: str) -> bool:
        """Whether an artifact has that id."""
        return name in self._all.artifacts

    def pipelines(self) -> list[str]:
        """The one, if it ever ran."""
        return [self._all.pipeline] if self._all.runs else []

    def runs(self, pipeline: str, names: Sequence[str] | None = None) -> list[Run]:
        """All runs."""
        return list(self._all.runs)

    def run(self, pipeline: str, run_id: str) -> Run:
        """The run of that id."""
        return next(run for run in self._all.runs if run.id == run_id)

    def artifacts(
        self, pipeline: str, type_: str, names: Sequence[str] | None = None
    ) -> list[Artifact]:
        """The artifacts of a type."""
        return [a for a in self._all.artifacts.values() if a.type == type_]

    def artifacts_by_id(
        self, ids: Iterable[str], names: Sequence[str] | None = None
    ) -> list[Artifact]:
        """The artifacts of these ids."""
        wanted = set(ids)
        return [a for id_, a in self._all.artifacts.items() if id_ in wanted]

    def executions_by_id(
        self, ids: Iterable[str], names: Sequence[str] | None = None
    ) -> list[Execution]:
        """The executions of these ids."""
        wanted = set(ids)
        return [e for id_, e in self._all.executions.items() if id_ in wanted]

    def executions_in(self, pipeline: str, states: Sequence[str]) -> list[Execution]:
        """The executions in one of these states."""
        return [e for e in self._all.executions.values() if e.state in states]

    def executions_of_node(self, pipeline: str, node: str) -> list[Execution]:
        """The executions of one node."""
        return [e for e in self._all.executions.values() if e.node == node]

    def executions_of_run(self, pipeline: str, run_id: str) -> list[str]:
        """Ids of the executions of one run."""
        run_of = self._all.run_of
        return [id_ for id_ in self._all.executions if run_of.get(id_) == run_id]

    def runs_of(self, pipeline: str, executions: Iterable[str]) -> dict[str, str]:
        """Execution -> id of its run."""
        run_of = self._all.run_of
        return {id_: run_of[id_] for id_ in executions if id_ in run_of}

    def events_of_artifacts(self, pipeline: str, ids: Iterable[str]) -> list[Event]:
        """Every event of these artifacts."""
        return [e for id_ in set(ids) for e in self._of_artifact.get(id_, [])]

    def events_of_executions(
        self, ids: Iterable[str], keys: bool = False
    ) -> list[Event]:
        """Every event of these executions."""
        return [e for id_ in set(ids) for e in self._of_execution.get(id_, [])]

    def made_from(self, pipeline: str, ids: Iterable[str]) -> list[tuple[str, str]]:
        """(One of these artifacts, what an execution made of it)."""
        return [
            (id_, made.artifact)
            for id_ in set(ids)
            for taken in self._of_artifact.get(id_, [])
            if not taken.is_output
            for made in self._of_execution.get(taken.execution, [])
            if made.is_output
        ]

    def having(
        self, pipeline: str, type_: str, name: str, value: str | int
    ) -> list[str]:
        """Artifacts of a type whose property has that value."""
        found = self.artifacts(pipeline, type_)
        return [a.id for a in found if a.properties.get(name) == value]

    def with_uri(self, pipeline: str, uri: str) -> list[str]:
        """Artifacts at that URI."""
        return [a.id for a in self._all.artifacts.values() if a.uri == uri]

    def containing(self, pipeline: str, type_: str, name: str, text: str) -> list[str]:
        """Artifacts of a type whose property has the text in it."""
        found = self.artifacts(pipeline, type_)
        return [a.id for a in found if text in a.text(name)]
