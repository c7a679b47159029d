"""trace MODEL: everything upstream of it, to the raw files."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.lineage import answers, facts, graph, names
from pipeline.metadata.records import Artifact, Store
from pipeline.recorded import Schema


def trace(store: Store, pipeline: str, name: str) -> answers.Answer:
    """Where a model came from.

    Raises:
      UsageError: no such model, or several.
    """
    found = names.model(store, pipeline, name)
    above = graph.ancestry(store, pipeline, found.artifact)
    runs = store.runs_of(pipeline, above.executions)
    model = above.model()
    own, trained = (
        runs.get(above.makers.get(artifact.id, ""), "")
        for artifact in (found.artifact, model)
    )
    pushes = graph.pushes_of(store, pipeline, [found.artifact.id])
    value: dict[str, object] = {
        "model": facts.model(found.artifact),
        "pushed": [facts.push(p) for p in pushes.get(found.artifact.id, [])],
        "run": facts.run(store.run(pipeline, own)) if own else {},
        "trained_in": facts.run(store.run(pipeline, trained))
        if trained and trained != own
        else {},
        "data": [facts.data(e) for e in above.of_type(graph.EXAMPLES)],
        "files": [f for e in above.of_type(graph.EXAMPLES) for f in facts.files(e)],
        "schema": [s.text(Schema.DIGEST) for s in above.of_type(graph.SCHEMA)],
        "verdict": _verdict(facts.judged(store, pipeline, above)),
        "compared_with": sorted(above.compared),
        "steps": [
            facts.step(e, runs.get(e.id, ""))
            for e in sorted(above.executions.values(), key=lambda e: e.order)
        ],
    }
    gone = [a for a in above.artifacts.values() if facts.deleted(a)]
    notes = tuple(f"files of {a.type} {a.id}: {facts.deleted(a)}" for a in gone)
    graph_ = drawn(above, runs)
    return answers.Answer("trace", pipeline, value, (*found.notes, *notes), graph_)


def _verdict(evaluation: Artifact | None) -> Mapping[str, object]:
    if evaluation is None:
        return {}
    verdict = facts.verdict(evaluation)
    return {
        "word": verdict.word if verdict else "",
        "checks": len(verdict.checks) if verdict else 0,
        "metrics": facts.metrics(evaluation),
    }


def drawn(above: graph.Ancestry, runs: dict[str, str]) -> answers.Graph:
    """The ancestry as boxes and arrows, the raw files at the far end."""
    boxes: dict[str, answers.Node] = {}
    edges: list[tuple[str, str, str]] = []
    for artifact in above.artifacts.values():
        label = f"{artifact.type} {artifact.id}"
        detail = "baseline" if artifact.id in above.compared else artifact.uri
        own = f"a{artifact.id}"
        boxes[own] = answers.Node(own, "artifact", label, detail)
        for file in facts.files(artifact) if artifact.type == graph.EXAMPLES else ():
            number = f"f{file['sha256'][:16]}"
            words = f"{file['size']:,} bytes, sha256 {file['sha256'][:12]}"
            boxes[number] = answers.Node(number, "file", file["path"], words)
            edges.append((number, f"e{above.makers.get(artifact.id, '')}", "file"))
    for execution in above.executions.values():
        own = f"e{execution.id}"
        words = f"run {runs.get(execution.id, '?')}"
        boxes[own] = answers.Node(own, "execution", execution.node, words)
        for event in above.inputs.get(execution.id, []):
            edges.append((f"a{event.artifact}", own, event.key))
    for artifact_id, maker in above.makers.items():
        if artifact_id in above.artifacts:
            edges.append((f"e{maker}", f"a{artifact_id}", ""))
    kept = [edge for edge in edges if edge[0] in boxes and edge[1] in boxes]
    return answers.Graph(f"a{above.root.id}", boxes, tuple(dict.fromkeys(kept)))
