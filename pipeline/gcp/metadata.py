"""Vertex ML Metadata: a pipeline's graph as TFX's tasks on Vertex leave it there.

A context for the pipeline (system.Pipeline), below it one for each run
(system.PipelineRun); an execution for each task, with the task's parameters as metadata
`input:NAME`; artifacts with TFX's properties. What a run records of itself travels as
the parameters `record` and `origin` of the Notifier and of the exit handler; what a
task records of its work lies on what it put out, or follows from it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent import futures
from typing import Any

from pipeline.gcp import clients, metadata_store, registry_moves
from pipeline.metadata.memory import MemoryStore, Recorded
from pipeline.metadata.records import Artifact, Event, Execution, Run, Value, text_of
from pipeline.nodes import EVALUATOR, EXAMPLE_GEN, PUSHER, STATISTICS_GEN
from pipeline.recorded import (
    Blessing,
    Data,
    Evaluation,
    ExecutionKey,
    Override,
    Pushed,
    RunKey,
)
from pipeline.recorded import Move as Moved
from pipeline.runs import rows

# google.cloud is imported when a store is read: it takes two seconds.

_TIMEOUT_S = 60
_AT_ONCE = 8
_INPUT = "input:"
_CANCELED = {"CANCELLED": "CANCELED"}
_OPEN = ("NEW", "RUNNING")
_FACTS = ("record", "origin")


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
        moved = [
            move
            for model in _registered(graphs)
            for move in registry_moves.listed(client, parent, model)
        ]
    return MemoryStore(
        f"Vertex ML Metadata of {project} in {region}",
        _recorded(pipeline, contexts, graphs, moved),
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


def _registered(graphs: list[Any]) -> list[str]:
    """Ids of the models in the registry whose versions these runs pushed."""
    names = {
        text_of(metadata_of(artifact), Pushed.REGISTERED)
        for graph in graphs
        for artifact in graph.artifacts
    }
    return sorted({_id(name.rpartition("@")[0]) for name in names if "@" in name})


def _recorded(
    pipeline: str, contexts: list[Any], graphs: list[Any], moved: list[Any]
) -> Recorded:
    executions = _unique(e for graph in graphs for e in graph.executions)
    artifacts = _unique(a for graph in graphs for a in graph.artifacts)
    events = {
        (e.artifact, e.execution, e.type_.name): e for g in graphs for e in g.events
    }
    work: dict[str, dict[str, Value]] = {}
    for graph in graphs:
        work |= _work(graph)
    overridden = _overridden(artifacts)
    run_of = {
        _id(execution.name): _id(context.name)
        for context, graph in zip(contexts, graphs, strict=True)
        for execution in graph.executions
    }
    return Recorded(
        pipeline=pipeline,
        runs=tuple(
            _run(context, pipeline, order, graph, overridden)
            for order, (context, graph) in enumerate(zip(contexts, graphs, strict=True))
        ),
        artifacts={
            _id(a.name): _artifact(a, order) for order, a in enumerate(artifacts)
        },
        executions={
            _id(e.name): _execution(e, order, work[e.name])
            for order, e in enumerate(executions)
        }
        | {
            _id(e.name): _move(e, len(executions) + order)
            for order, e in enumerate(moved)
            if e.state.name == "COMPLETE"
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


def _overridden(artifacts: Iterable[Any]) -> dict[str, str]:
    """Run -> the word against its verdict, which another run's Pusher carried out."""
    said = (text_of(metadata_of(a), Override.SAID) for a in artifacts)
    return {json_of(text).get("run", ""): text for text in said if text}


def _run(
    context: Any, pipeline: str, order: int, graph: Any, overridden: Mapping[str, str]
) -> Run:
    facts: dict[str, Value] = {}
    for execution in graph.executions:
        given = metadata_of(execution)
        for name in _FACTS:
            facts |= json_of(given.get(name))
    facts |= _said_by_outputs(graph)
    facts |= metadata_of(context)
    facts |= _ending(graph)
    if _id(context.name) in overridden:
        facts[Override.SAID] = overridden[_id(context.name)]
    facts[RunKey.STARTED] = f"{_seconds(context.create_time):.3f}"
    return Run(_id(context.name), pipeline, _seconds(context.create_time), order, facts)


def json_of(text: Any) -> dict[str, Any]:
    """The JSON object in a parameter; {} when a person gave it another text."""
    try:
        value = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _said_by_outputs(graph: Any) -> dict[str, str]:
    """Who was notified, and why a model was refused."""
    facts = {}
    for artifact in graph.artifacts:
        found = metadata_of(artifact)
        if RunKey.TOLD in found:
            facts[RunKey.TOLD] = text_of(found, RunKey.TOLD)
        if Override.SAID in found:
            facts[Override.SAID] = text_of(found, Override.SAID)
        reasons = json_of(found.get(Evaluation.VERDICT)).get("reasons")
        if reasons:
            facts[RunKey.REASONS] = json.dumps(reasons)
    return facts


def _work(graph: Any) -> dict[str, dict[str, Value]]:
    """Execution -> seconds, rows and code, as `recorded.ExecutionKey` names them."""
    artifacts = {a.name: a for a in graph.artifacts}
    outputs: dict[str, list[dict[str, Value]]] = {e.name: [] for e in graph.executions}
    for event in graph.events:
        if event.type_.name == "OUTPUT" and event.artifact in artifacts:
            outputs[event.execution].append(metadata_of(artifacts[event.artifact]))
    by_node = {_node(e): outputs[e.name] for e in graph.executions}
    counted = rows.in_and_out(
        counted_of(by_node), [n for n, out in by_node.items() if out]
    )
    return {
        e.name: {
            **dict(_seconds_of(e)),
            **dict(_rows_of(counted.get(_node(e)))),
            **dict(_code_of(outputs[e.name])),
        }
        for e in graph.executions
    }


def _seconds_of(execution: Any) -> Iterator[tuple[str, float]]:
    if execution.state.name not in _OPEN:
        took = _seconds(execution.update_time) - _seconds(execution.create_time)
        yield ExecutionKey.SECONDS, round(took, 3)


def _rows_of(work: tuple[int, int] | None) -> Iterator[tuple[str, int]]:
    if work is not None:
        yield from zip((ExecutionKey.ROWS_IN, ExecutionKey.ROWS_OUT), work, strict=True)


def _code_of(outputs: list[dict[str, Value]]) -> Iterator[tuple[str, str]]:
    for found in outputs[:1]:
        for name in (ExecutionKey.CODE_DIGEST, ExecutionKey.CODE_FILES):
            if name in found:
                yield name, text_of(found, name)


def counted_of(outputs: Mapping[str, list[dict[str, Value]]]) -> rows.Counted:
    """What the outputs of a run's nodes say of rows.

    Args:
      outputs: node -> metadata of each artifact.
    """

    def said(node: str) -> dict[str, Value]:
        return {k: v for found in outputs.get(node, ()) for k, v in found.items()}

    examples, pushed = said(EXAMPLE_GEN), said(PUSHER)
    # TFX's own ExampleGen, on rows of BigQuery, counts none; the statistics do.
    splits = said(STATISTICS_GEN).get(Data.ROWS) or examples.get(Data.ROWS)
    metrics = json_of(said(EVALUATOR).get(Evaluation.METRICS))
    evaluated = metrics.get("example_count")
    return rows.Counted(
        splits=json_of(splits),
        ingested=(int(examples[Data.ROWS_READ]), int(examples[Data.ROWS_WRITTEN]))
        if Data.ROWS_READ in examples
        else None,
        evaluated=None if evaluated is None else int(evaluated),
        asked=int(pushed.get("rows", 0)) if pushed else None,
    )


def _ending(graph: Any) -> dict[str, str]:
    """How it ended: the service keeps the tasks' states, and no word for them all."""
    states = {_node(e): e.state.name for e in graph.executions}
    if not states or set(states.values()) & {*_OPEN}:
        return {}
    ended = max(_seconds(e.update_time) for e in graph.executions)
    failed = [node for node, state in states.items() if state == "FAILED"]
    cancelled = [node for node, state in states.items() if state == "CANCELLED"]
    made = [metadata_of(artifact) for artifact in graph.artifacts]
    refused = any(
        metadata_of(a).get(Blessing.BLESSED) == 0
        for a in graph.artifacts
        if a.schema_title.endswith("ModelBlessing")
    ) and not any(Override.SAID in found for found in made)
    outcome, node = "SUCCEEDED", ""
    if failed or cancelled:
        outcome = "FAILED" if failed else "CANCELLED"
        [node, *_] = failed or cancelled
    elif refused:
        outcome, node = "NOT_BLESSED", EVALUATOR
    return {
        RunKey.OUTCOME: outcome,
        RunKey.OUTCOME_NODE: node,
        RunKey.ENDED: f"{ended:.3f}",
    }


def _artifact(artifact: Any, order: int) -> Artifact:
    return Artifact(
        _id(artifact.name),
        artifact.schema_title.rpartition(".")[2],
        artifact.uri,
        artifact.state.name,
        _seconds(artifact.create_time),
        order,
        metadata_of(artifact),
    )


def _execution(execution: Any, order: int, work: Mapping[str, Value]) -> Execution:
    state = execution.state.name
    return Execution(
        _id(execution.name),
        _node(execution),
        _CANCELED.get(state, state),
        _seconds(execution.create_time),
        _seconds(execution.update_time),
        order,
        {**work, **metadata_of(execution)},
    )


def _move(execution: Any, order: int) -> Execution:
    """A move of the champion, under the names that it has in MLMD."""
    name, at = _id(execution.name), _seconds(execution.create_time)
    own = {Moved.ID: name, Moved.AT: f"{at:.3f}"}
    found = _execution(execution, order, own)
    return dataclasses.replace(found, node=Moved.TYPE)


def _node(execution: Any) -> str:
    return execution.display_name or _id(execution.name)


def metadata_of(resource: Any) -> dict[str, Value]:
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
