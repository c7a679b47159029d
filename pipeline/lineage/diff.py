"""diff MODEL_A MODEL_B: only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config import layers
from pipeline.lineage import answers, facts, graph, names
from pipeline.metadata.records import Store
from pipeline.recorded import ExecutionKey, RunKey, Schema

Leaves = Mapping[str, object]


def diff(store: Store, pipeline: str, first: str, second: str) -> answers.Answer:
    """Data, code, configuration, schema, versions, metrics, verdict of two models.

    Raises:
      UsageError: no such model, or several.
    """
    found = [names.model(store, pipeline, name) for name in (first, second)]
    above = [graph.ancestry(store, pipeline, each.artifact) for each in found]
    nodes = [{e.node for e in each.executions.values()} for each in above]
    shared = nodes[0] & nodes[1]
    a, b = (_parts(store, pipeline, each, shared) for each in above)
    sections: dict[str, object] = {
        section: rows for section in a if (rows := _rows(a[section], b[section]))
    }
    value = {
        "a": facts.model(found[0].artifact),
        "b": facts.model(found[1].artifact),
        "same": [section for section in a if section not in sections],
        "differs": sections,
    }
    notes = tuple(note for each in found for note in each.notes)
    return answers.Answer("diff", pipeline, value, notes)


def _parts(
    store: Store, pipeline: str, above: graph.Ancestry, shared: set[str]
) -> dict[str, Leaves]:
    """Section -> flat facts."""
    runs = store.runs_of(pipeline, above.executions)
    own = runs.get(above.makers.get(above.root.id, ""), "")
    trained = runs.get(above.makers.get(above.model().id, ""), "")
    data = above.of_type(graph.EXAMPLES)
    settings = store.run(pipeline, own).json(RunKey.CONFIG, {}) if own else {}
    maker = store.run(pipeline, trained) if trained else None
    evaluation = facts.judged(store, pipeline, above)
    return {
        "data": {
            **{
                key: value
                for examples in data
                for key, value in layers.leaves(facts.data(examples))
                if key not in ("artifact", "content_sha256")
            },
            **{f["path"]: f["sha256"] for e in data for f in facts.files(e)},
        },
        "schema": {"digest": [s.text(Schema.DIGEST) for s in above.of_type("Schema")]},
        "code": {
            "commit": maker.text(RunKey.COMMIT) if maker else "",
            "diff_digest": maker.text(RunKey.DIFF_DIGEST) if maker else "",
            **_code(above, shared),
        },
        "config": dict(layers.leaves(settings)),
        "versions": {
            "lock": maker.text(RunKey.LOCK_DIGEST) if maker else "",
            "image": maker.text(RunKey.IMAGE) if maker else "",
            **(maker.json(RunKey.VERSIONS, {}) if maker else {}),
        },
        "metrics": facts.metrics(evaluation),
        "verdict": {
            "word": facts.word(evaluation),
            **facts.overridden(above.root),
        },
    }


def _code(above: graph.Ancestry, shared: set[str]) -> dict[str, str]:
    """'NODE: FILE' -> digest; of a node that only one model went through, one line."""
    found: dict[str, str] = {}
    for execution in above.executions.values():
        if execution.node not in shared:
            found[execution.node] = execution.text(ExecutionKey.CODE_DIGEST)
            continue
        for file, digest in execution.json(ExecutionKey.CODE_FILES, {}).items():
            found[f"{execution.node}: {file}"] = digest
    return found


def _rows(a: Leaves, b: Leaves) -> list[dict[str, object]]:
    """One for each fact that is not the same."""
    rows = []
    for key in sorted(a.keys() | b.keys()):
        before, after = a.get(key), b.get(key)
        if before == after:
            continue
        row = {"what": key, "a": before, "b": after}
        if _is_number(before) and _is_number(after):
            row["difference"] = round(after - before, 6)  # type: ignore[operator]
        rows.append(row)
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
