"""The model card: what a person should know of a model before relying on it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config.model_card import ModelCardConfig
from pipeline.exports.subject import Subject
from pipeline.lineage import facts
from pipeline.recorded import Pushed
from pipeline.reports import evaluations, html
from pipeline.runs.verdict import OVERALL
from transform import features

SCHEMA = "millrace-model-card-1"
"""A change that breaks a reader counts it up."""


@dataclasses.dataclass
class MetricRow:
    """A metric on a slice, as the card has it."""

    slice: str
    metric: str
    value: float | None
    rows: int | None = None
    judged: bool = True
    interval: tuple[float, float] | None = None
    needs: str = ""
    """Its bounds, in words."""

    passed: bool | None = None
    """None where it was held to nothing."""


def card(subject: Subject) -> Mapping[str, object]:
    """Everything on it, as plain values."""
    files = subject.files
    metrics = measured(subject)
    return {
        "schema": SCHEMA,
        "model": {
            "name": subject.pipeline,
            **facts.model(subject.artifact),
            "version": subject.version,
            "architecture": subject.config.get("training", {}).get("model", ""),
            "manifest_sha256": subject.artifact.text(Pushed.MANIFEST),
            "files": len(files),
            "bytes": sum(file["size"] for file in files.values()),
        },
        "task": task(subject.config.get("features")),
        "use": said(subject).model_dump(mode="json"),
        "data": [
            {**facts.data(examples), "files": facts.files(examples)}
            for examples in subject.examples
        ],
        "schema_digests": subject.schema_digests,
        "evaluation": {
            "verdict": facts.word(subject.judged),
            "metrics": [vars(row) for row in metrics],
        },
        "limits": list(limits(subject, metrics)),
        "lineage": {
            "pushed_by": facts.run(subject.own),
            "trained_by": facts.run(subject.trained),
            "compared_with": sorted(subject.above.compared),
            "steps": [
                facts.step(execution, subject.run_of.get(execution.id, ""))
                for execution in sorted(
                    subject.above.executions.values(), key=lambda e: e.order
                )
            ],
        },
    }


def text(subject: Subject) -> str:
    """As JSON."""
    return json.dumps(card(subject), indent=2, sort_keys=True, ensure_ascii=False)


def page(subject: Subject) -> str:
    """As one HTML page that needs nothing else."""
    return html.render("card.html.j2", card=card(subject))


def said(subject: Subject) -> ModelCardConfig:
    """What the configuration of the run that trained it says of it.

    A store is material from elsewhere: what does not fit the section is not shown.
    """
    try:
        return ModelCardConfig.model_validate(subject.config.get("model_card") or {})
    except ValueError:
        return ModelCardConfig()


def task(recorded: Any) -> Mapping[str, object]:
    """What it predicts, from which columns; nothing where that is not on record."""
    try:
        known = features.Features.model_validate(recorded)
    except ValueError:
        return {"predicts": "", "columns": []}
    label = known.label
    words = f"{label.column} is {label.value}"
    if label.rule == "ratio_above":
        words = f"{label.column} / {label.denominator} is more than {label.threshold}"
    return {
        "predicts": f"{label.name}: whether {words}",
        "columns": list(known.columns),
    }


def measured(subject: Subject) -> list[MetricRow]:
    """Every metric on every slice, with its interval where the files are to be seen."""
    found = subject.evaluation()
    if found is None:
        return _recorded(subject)
    slices = [found.overall, *(s for group in found.columns.values() for s in group)]
    return [
        _row(each, measure)
        for each in slices
        for measure in each.measures.values()
        if measure.value is not None
    ]


def _row(each: evaluations.Slice, measure: evaluations.Measure) -> MetricRow:
    return MetricRow(
        slice=each.name,
        metric=measure.metric,
        value=measure.value,
        rows=each.rows,
        judged=each.judged,
        interval=measure.interval,
        needs=measure.needs,
        passed=measure.passed,
    )


def _recorded(subject: Subject) -> list[MetricRow]:
    """From the store alone: overall, and whatever the verdict looked at."""
    judged = subject.judged
    if judged is None:
        return []
    rows = {
        (OVERALL, metric): MetricRow(OVERALL, metric, value)
        for metric, value in facts.metrics(judged).items()
    }
    verdict = facts.verdict(judged)
    for check in verdict.checks if verdict else ():
        key = check.slice, check.metric
        row = rows.setdefault(key, MetricRow(*key, check.candidate))
        row.needs = ", ".join(filter(None, [row.needs, check.bound]))
        row.passed = row.passed is not False and check.passed
    return list(rows.values())


def limits(subject: Subject, metrics: list[MetricRow]) -> Iterator[str]:
    """What the configuration says, then what the record shows."""
    if words := facts.overridden(subject.artifact):
        yield f"It was refused, and pushed all the same {words['overridden']}."
    yield from said(subject).limitations
    verdict = facts.verdict(subject.judged)
    for line in verdict.not_judged if verdict else ():
        yield f"Not judged: {line}."
    small = sorted({row.slice for row in metrics if not row.judged})
    if small:
        yield f"Too few rows to be judged: {', '.join(small)}."
    for row in metrics:
        if row.passed is False:
            what = f"{row.metric} on {row.slice}"
            yield f"{what} is {row.value}, and needs {row.needs}."
    if metrics and not any(row.interval for row in metrics):
        yield (
            "Confidence intervals are not shown: the files of the evaluation cannot "
            "be read from here."
        )
    if not metrics:
        yield "No evaluation is on record."
    run = facts.run(subject.trained)
    if run["dirty"]:
        yield (
            f"Trained from commit {run['commit'][:12]} and changes that were not "
            "committed; the commit alone does not make it again."
        )
    if not subject.files:
        yield "It was not pushed: it is not served from here."
