"""impact DATA: every model that learned from it, and where each was pushed."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.lineage import answers, facts, graph, history, names
from pipeline.lineage.answers import iso
from pipeline.metadata.records import Artifact, Store
from pipeline.registry.versions import Move


def impact(
    store: Store, pipeline: str, name: str, moves: Sequence[Move] = ()
) -> answers.Answer:
    """What must be trained again if this data goes.

    Args:
      store: where the models are recorded.
      pipeline: whose they are.
      name: a file, span:N, sha256:HEX or an artifact's id.
      moves: of the champion by people, in their order.

    Raises:
      UsageError: nothing that was recorded is meant.
    """
    found = names.data(store, pipeline, name)
    models = graph.learners(store, pipeline, [e.id for e in found.examples])
    ids = [model.id for model in models]
    pushed = graph.pushes_of(store, pipeline, ids)
    makers = graph.makers_of(store, pipeline, ids)
    runs = store.runs_of(pipeline, set(makers.values()))
    now = history.champion_now(store, pipeline, moves)
    value = {
        "data": [e.id for e in found.examples],
        "models": [
            {
                "artifact": model.id,
                "run": runs.get(makers.get(model.id, ""), ""),
                "made": iso(model.created),
                "pushed": [facts.push(p) for p in pushed.get(model.id, [])],
                "champion": any(
                    now and p.id == now.id for p in pushed.get(model.id, [])
                ),
            }
            for model in models
        ],
    }
    value["learned"] = len(models)
    value["pushed"] = sum(bool(pushed.get(model.id)) for model in models)
    drawing = _drawn(name, found.examples, models, pushed)
    return answers.Answer("impact", pipeline, value, found.notes, drawing)


def _drawn(
    name: str,
    examples: tuple[Artifact, ...],
    models: list[Artifact],
    pushed: dict[str, list[Artifact]],
) -> answers.Graph:
    boxes = {"data": answers.Node("data", "file", name)}
    edges = []
    for e in examples:
        boxes[f"a{e.id}"] = answers.Node(f"a{e.id}", "artifact", f"Examples {e.id}")
        edges.append(("data", f"a{e.id}", ""))
    # With several Examples the way of each model is `trace`'s to tell.
    source = f"a{examples[0].id}" if len(examples) == 1 else "data"
    for model in models:
        own = f"a{model.id}"
        boxes[own] = answers.Node(own, "artifact", f"Model {model.id}", model.uri)
        edges.append((source, own, "learned"))
        for push in pushed.get(model.id, []):
            row = facts.push(push)
            boxes[f"a{push.id}"] = answers.Node(
                f"a{push.id}", "artifact", f"version {row['version']}", row["pushed_to"]
            )
            edges.append((own, f"a{push.id}", "pushed"))
    return answers.Graph("data", boxes, tuple(edges), upwards=False)
