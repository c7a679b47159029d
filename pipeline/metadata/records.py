"""What a metadata store holds, as plain values: the same of MLMD and of Vertex."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from pipeline.recorded import ExecutionKey

Value = str | int | float

Properties = Mapping[str, Value]
"""Name (`pipeline/recorded.py`, and TFX's own) -> text or number."""


def text_of(properties: Properties, name: str) -> str:
    """A property; '' when it is not recorded."""
    return str(properties.get(name, ""))


class _Described:
    properties: Properties

    def text(self, name: str) -> str:
        """A property; '' when it is not recorded."""
        return text_of(self.properties, name)

    def json(self, name: str, default: Any) -> Any:
        """A property that is JSON; the default when it is not recorded, or broken."""
        try:
            return json.loads(self.text(name))
        except (TypeError, ValueError):
            return default


@dataclasses.dataclass(frozen=True)
class Artifact(_Described):
    """Something that a node put out."""

    id: str
    type: str
    """Without a package: Examples, Model, PushedModel."""

    uri: str
    state: str
    """LIVE, DELETED, PENDING, ..."""

    created: float
    """Seconds since 1970, by the clock of who wrote it."""

    order: int
    """Grows with every one written; a clock may go backwards, this does not."""

    properties: Properties = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Execution(_Described):
    """A node's work in one run, or its decision to take that of another."""

    id: str
    node: str
    """The node's id in the graph, such as Trainer."""

    state: str
    """COMPLETE, CACHED, FAILED, RUNNING, CANCELED, NEW."""

    created: float
    updated: float
    """The last word on it: the end of its run, which adds what it took."""

    order: int
    properties: Properties = dataclasses.field(default_factory=dict)

    @property
    def ended(self) -> float:
        """When its work was done, seconds since 1970."""
        took = self.properties.get(ExecutionKey.SECONDS)
        return self.updated if took is None else self.created + float(took)


@dataclasses.dataclass(frozen=True)
class Event:
    """An execution took an artifact, or put it out."""

    artifact: str
    execution: str
    is_output: bool
    key: str
    """What the node calls it; '' where the store was not asked, or does not say."""


@dataclasses.dataclass(frozen=True)
class Run(_Described):
    """A run of a pipeline."""

    id: str
    pipeline: str
    created: float
    order: int
    properties: Properties = dataclasses.field(default_factory=dict)


class Store(Protocol):
    """What a question may ask of a store; answers are in the order of writing."""

    where: str
    """The store's place in words, without a password."""

    def is_id(self, name: str) -> bool:
        """Whether an artifact could have that id."""
        ...

    def pipelines(self) -> list[str]:
        """Names of the pipelines that it holds."""
        ...

    def runs(self, pipeline: str, names: Sequence[str] | None = None) -> list[Run]:
        """All runs of the pipeline, with those properties; None: with all."""
        ...

    def run(self, pipeline: str, run_id: str) -> Run:
        """The run of that id, with all its properties; it must be there."""
        ...

    def artifacts(
        self, pipeline: str, type_: str, names: Sequence[str] | None = None
    ) -> list[Artifact]:
        """The pipeline's artifacts of a type."""
        ...

    def artifacts_by_id(
        self, ids: Iterable[str], names: Sequence[str] | None = None
    ) -> list[Artifact]:
        """The artifacts of these ids; one that is not there is left out."""
        ...

    def executions_by_id(
        self, ids: Iterable[str], names: Sequence[str] | None = None
    ) -> list[Execution]:
        """The executions of these ids."""
        ...

    def executions_in(self, pipeline: str, states: Sequence[str]) -> list[Execution]:
        """The pipeline's executions in one of these states."""
        ...

    def executions_of_node(self, pipeline: str, node: str) -> list[Execution]:
        """The executions of one node in all runs, and in none."""
        ...

    def executions_of_run(self, pipeline: str, run_id: str) -> list[str]:
        """Ids of the executions of one run."""
        ...

    def runs_of(self, pipeline: str, executions: Iterable[str]) -> dict[str, str]:
        """Execution -> id of its run."""
        ...

    def events_of_artifacts(self, pipeline: str, ids: Iterable[str]) -> list[Event]:
        """Every event of these artifacts with an execution of the pipeline."""
        ...

    def events_of_executions(
        self, ids: Iterable[str], keys: bool = False
    ) -> list[Event]:
        """Every event of these executions; with the keys, which costs time."""
        ...

    def made_from(self, pipeline: str, ids: Iterable[str]) -> list[tuple[str, str]]:
        """(One of these artifacts, what an execution of the pipeline made of it)."""
        ...

    def having(
        self, pipeline: str, type_: str, name: str, value: str | int
    ) -> list[str]:
        """Artifacts of a type whose property has that value."""
        ...

    def with_uri(self, pipeline: str, uri: str) -> list[str]:
        """Artifacts at that URI."""
        ...

    def containing(self, pipeline: str, type_: str, name: str, text: str) -> list[str]:
        """Artifacts of a type whose property has the text in it."""
        ...
