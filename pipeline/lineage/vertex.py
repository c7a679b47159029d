"""Vertex ML Metadata: a pipeline's graph as TFX's tasks on Vertex leave it there.

A context for the pipeline (system.Pipeline), below it one for each run
(system.PipelineRun); an execution for each task, with the task's parameters as metadata
`input:NAME`; artifacts with TFX's properties. What a run records of itself travels as
the parameter `record` of the Notifier and of the exit handler.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent import futures
from typing import Any

from pipeline import clients, metadata_store
from pipeline.lineage.memory import MemoryStore, Recorded
from pipeline.lineage.records import Artifact, Event, Execution, Run
from pipeline.recorded import Blessing
from pipeline.recorded import Run as Facts

# google.cloud is imported when a store is read: it takes two seconds.

_TIMEOUT_S = 60
_AT_ONCE = 8
_INPUT = "input:"
_CANCELED = {"CANCELLED": "CANCELED"}


def loaded(project: str, region: str, pipeline: str) -> MemoryStore:
    """The whole graph of one pipeline, read with a request for each run.

    Raises:
      CloudError: the service refused.
      CloudUnavailable: it is busy or away.
    """
    from google.cloud.aiplatform_v1 import MetadataServiceClient

    parent = metadata_store.name(clients.location(project, region))
    with clients.asking(f"read {parent}"):
        client = clients.vertex(MetadataServiceClient, region)
        contexts = _runs(client, parent, pipeline)
        with futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            graphs = list(pool.map(lambda run: _graph(client, run.name), contexts))
    return MemoryStore(
        f"Vertex ML Metadata of {project} in {region}",
        _recorded(pipeline, contexts, graphs),
    )


def _runs(client: Any, parent: str, pipeline: str) -> list[Any]:
    """The contexts of the pipeline's runs, in the order of their making."""
    if not pipeline:
        return []
    own = f"{parent}/contexts/{pipeline}"
    found = client.list_contexts(
        request={
            "parent": parent,
            "filter": f'schema_title="system.PipelineRun" AND parent_contexts:"{own}"',
        },
        timeout=_TIMEOUT_S,
    )
    return sorted(found, key=lambda run: (run.create_time, run.name))


def _graph(client: Any, context: str) -> Any:
    return client.query_context_lineage_subgraph(
        request={"context": context}, timeout=_TIMEOUT_S
    )


def _recorded(pipeline: str, contexts: list[Any], graphs: list[Any]) -> Recorded:
    executions = _unique(e for graph in graphs for e in graph.executions)
    artifacts = _unique(a for graph in graphs for a in graph.artifacts)
    events = {
        (e.artifact, e.execution, e.type_.name): e for g in graphs for e in g.events
    }
    run_of = {
        _id(execution.name): _id(context.name)
        for context, graph in zip(contexts, graphs, strict=True)
        for execution in graph.executions
    }
    return Recorded(
        pipeline=pipeline,
        runs=tuple(
            _run(context, pipeline, order, graph)
            for order, (context, graph) in enumerate(zip(contexts, graphs, strict=True))
        ),
        artifacts={
            _id(a.name): _artifact(a, order) for order, a in enumerate(artifacts)
        },
        executions={
            _id(e.name): _execution(e, order) for order, e in enumerate(executions)
        },
        events=tuple(
            Event(
                _id(event.artifact),
                _id(event.execution),
                event.type_.name == "OUTPUT",
                dict(event.labels).get("key", ""),
            )
            for event in sorted(events.values(), key=lambda event: event.event_time)
        ),
        run_of=run_of,
    )


def _unique(resources: Iterable[Any]) -> list[Any]:
    """An artifact that several runs share comes with each; one of it is enough."""
    found = {resource.name: resource for resource in resources}
    return sorted(found.values(), key=lambda each: (each.create_time, each.name))


def _run(context: Any, pipeline: str, order: int, graph: Any) -> Run:
    facts: dict[str, Any] = {}
    for execution in graph.executions:
        record = _metadata(execution).get("record")
        if record:
            facts |= json.loads(record)
    facts |= _metadata(context)
    facts |= _ending(graph)
    facts[Facts.STARTED] = f"{_seconds(context.create_time):.3f}"
    return Run(_id(context.name), pipeline, _seconds(context.create_time), order, facts)


def _ending(graph: Any) -> dict[str, str]:
    """How it ended: the service keeps the tasks' states, and no word for them all."""
    states = {_node(e): e.state.name for e in graph.executions}
    if not states or set(states.values()) & {"NEW", "RUNNING"}:
        return {}
    ended = max(_seconds(e.update_time) for e in graph.executions)
    failed = [node for node, state in states.items() if state == "FAILED"]
    cancelled = [node for node, state in states.items() if state == "CANCELLED"]
    refused = any(
        _metadata(a).get(Blessing.BLESSED) == 0
        for a in graph.artifacts
        if a.schema_title.endswith("ModelBlessing")
    )
    outcome, node = "SUCCEEDED", ""
    if failed or cancelled:
        outcome = "FAILED" if failed else "CANCELLED"
        [node, *_] = failed or cancelled
    elif refused:
        outcome, node = "NOT_BLESSED", "Evaluator"
    return {
        Facts.OUTCOME: outcome,
        Facts.OUTCOME_NODE: node,
        Facts.ENDED: f"{ended:.3f}",
    }


def _artifact(artifact: Any, order: int) -> Artifact:
    return Artifact(
        _id(artifact.name),
        artifact.schema_title.rpartition(".")[2],
        artifact.uri,
        artifact.state.name,
        _seconds(artifact.create_time),
        order,
        _metadata(artifact),
    )


def _execution(execution: Any, order: int) -> Execution:
    state = execution.state.name
    return Execution(
        _id(execution.name),
        _node(execution),
        _CANCELED.get(state, state),
        _seconds(execution.create_time),
        _seconds(execution.update_time),
        order,
        _metadata(execution),
    )


def _node(execution: Any) -> str:
    return execution.display_name or _id(execution.name)


def _metadata(resource: Any) -> dict[str, Any]:
    """Its metadata; a Struct knows only floats, ours are whole numbers mostly."""
    found = {}
    for name, value in dict(resource.metadata or {}).items():
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str | int | float):
            found[name.removeprefix(_INPUT)] = value
    return found


def _id(name: str) -> str:
    return name.rpartition("/")[2]


def _seconds(moment: Any) -> float:
    return moment.timestamp() if moment else 0.0
