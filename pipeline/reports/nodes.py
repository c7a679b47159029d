"""The nodes of a run and their artifacts, from MLMD; no TFX, so it takes no second."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline import recorded
from pipeline.config import metadata as metadata_config
from pipeline.metadata import library

_RUN = "pipeline_run"
_USABLE = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One artifact, by the name of the output that it was."""

    id: str
    """The store's."""

    key: str
    type: str
    uri: str


@dataclasses.dataclass(frozen=True)
class Node:
    """One execution of the run."""

    id: str
    """The node's, as in the graph."""

    state: str
    """MLMD's word."""

    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    code_digest: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether its outputs count."""
        return self.state in {mlmd.Execution.State.Name(state) for state in _USABLE}


def of_run(uri: str, run_id: str) -> list[Node]:
    """The run's executions, oldest first; none where MLMD does not know the run."""
    if not (metadata_config.is_server(uri) or os.path.isfile(uri)):
        return []
    store = library.opened(uri, read_only=True)
    context = store.get_context_by_type_and_name(_RUN, run_id)
    if context is None:
        return []
    executions = store.get_executions_by_context(context.id)
    ordered = sorted(executions, key=lambda execution: execution.id)
    return list(_nodes(store, ordered))


def output(nodes: Sequence[Node], node: str, key: str) -> Artifact | None:
    """What that node put out under that key in this run.

    What a failed one has is evidence, kept for people: anomalies.
    """
    for each in reversed(nodes):
        if each.id == node and (each.is_usable or key == "anomalies"):
            return next((a for a in each.outputs if a.key == key), None)
    return None


def _nodes(
    store: metadata_store.MetadataStore, executions: Sequence[mlmd.Execution]
) -> Iterator[Node]:
    types = {t.id: t.name for t in store.get_artifact_types()}
    names = _names(store, executions)
    events = store.get_events_by_execution_ids([each.id for each in executions])
    ids = sorted({event.artifact_id for event in events})
    found = {artifact.id: artifact for artifact in store.get_artifacts_by_id(ids)}
    for execution in executions:
        mine = [event for event in events if event.execution_id == execution.id]
        yield Node(
            id=names[execution.id],
            state=mlmd.Execution.State.Name(execution.last_known_state),
            inputs=_artifacts(mine, mlmd.Event.INPUT, found, types),
            outputs=_artifacts(mine, mlmd.Event.OUTPUT, found, types),
            code_digest=execution.custom_properties[
                recorded.ExecutionKey.CODE_DIGEST
            ].string_value
            or execution.properties[recorded.ExecutionKey.CODE_DIGEST].string_value,
        )


def _artifacts(
    events: Sequence[mlmd.Event],
    kind: int,
    found: Mapping[int, mlmd.Artifact],
    types: Mapping[int, str],
) -> tuple[Artifact, ...]:
    return tuple(
        Artifact(
            id=str(event.artifact_id),
            key=event.path.steps[0].key if event.path.steps else "",
            type=types[found[event.artifact_id].type_id],
            uri=found[event.artifact_id].uri,
        )
        for event in events
        if event.type == kind and event.artifact_id in found
    )


def _names(
    store: metadata_store.MetadataStore, executions: Sequence[mlmd.Execution]
) -> dict[int, str]:
    """Execution -> its node's id, which is its context's name after the pipeline's."""
    names = {}
    for execution in executions:
        contexts = store.get_contexts_by_execution(execution.id)
        by_type = {context.type: context.name for context in contexts}
        pipeline = f"{by_type.get('pipeline', '')}."
        names[execution.id] = by_type.get("node", "").removeprefix(pipeline)
    return names
