"""diff MODEL_A MODEL_B: only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import layers
from pipeline.lineage import answers, facts, graph, names
from pipeline.lineage.records import Store
from pipeline.recorded import Execution as Work
from pipeline.recorded import Run as Facts
from pipeline.recorded import Schema

Leaves = Mapping[str, Any]


def diff(store: Store, pipeline: str, first: str, second: str) -> answers.Answer:
    """Data, code, configuration, schema, versions and metrics of two models.

    Raises:
      UsageError: no such model, or several.
    """
    found = [names.model(store, pipeline, name) for name in (first, second)]
    a, b = (_parts(store, pipeline, each) for each in found)
    sections: dict[str, Any] = {
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


def _parts(store: Store, pipeline: str, model: names.Model) -> dict[str, Leaves]:
    """Section -> flat facts."""
    above = graph.ancestry(store, pipeline, model.artifact)
    runs = store.runs_of(pipeline, above.executions)
    own = runs.get(above.makers.get(model.artifact.id, ""), "")
    trained = runs.get(above.makers.get(above.model().id, ""), "")
    data = above.of_type(graph.EXAMPLES)
    settings = store.run(pipeline, own).json(Facts.CONFIG, {}) if own else {}
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
            "commit": maker.text(Facts.COMMIT) if maker else "",
            "diff_digest": maker.text(Facts.DIFF_DIGEST) if maker else "",
            **_code(above),
        },
        "config": dict(layers.leaves(settings)),
        "versions": {
            "lock": maker.text(Facts.LOCK_DIGEST) if maker else "",
            "image": maker.text(Facts.IMAGE) if maker else "",
            **(maker.json(Facts.VERSIONS, {}) if maker else {}),
        },
        "metrics": facts.metrics(evaluation) if evaluation else {},
    }


def _code(above: graph.Ancestry) -> dict[str, str]:
    """'NODE: FILE' -> digest, of the nodes that a model learns by."""
    return {
        f"{execution.node}: {file}": digest
        for execution in above.executions.values()
        for file, digest in execution.json(Work.CODE_FILES, {}).items()
    }


def _rows(a: Leaves, b: Leaves) -> list[dict[str, Any]]:
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
