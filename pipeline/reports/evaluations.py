"""The Evaluator's files as values with intervals, and the bounds they were held to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.config.evaluation import EvaluationConfig, Threshold
from pipeline.runs.verdict import OVERALL, Rival, Verdict

Metrics = Mapping[str, Mapping[str, float]]
"""Slice -> metric -> value."""

SHOWN = (
    "auc",
    "accuracy",
    "precision",
    "recall",
    "calibration",
    "mean_label",
    "mean_prediction",
)


@dataclasses.dataclass(frozen=True)
class Bound:
    """Where a metric must not go."""

    value: float
    is_floor: bool
    words: str


@dataclasses.dataclass(frozen=True)
class Measure:
    """One metric on one slice."""

    metric: str
    value: float | None
    interval: tuple[float, float] | None
    baseline: float | None
    difference: tuple[float, float, float] | None
    """Candidate minus baseline, and its interval."""

    bounds: tuple[Bound, ...]
    passed: bool | None
    """The verdict's word on all its bounds; None where it was held to none."""

    @property
    def needs(self) -> str:
        """The bounds in words."""
        return ", ".join(bound.words for bound in self.bounds)


@dataclasses.dataclass(frozen=True)
class Slice:
    """The metrics on some of the rows."""

    name: str
    value: str
    """What its column has on all its rows."""

    rows: int
    judged: bool
    measures: Mapping[str, Measure]

    @property
    def failed(self) -> bool:
        """Whether a bound does not hold that it was held to."""
        return any(measure.passed is False for measure in self.measures.values())


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A model's, and all that explains it."""

    overall: Slice
    columns: Mapping[str, tuple[Slice, ...]]
    """A slice rule's title -> its slices in their order, those with a broken bound
    first."""

    curves: Mapping[str, Any]
    """Model -> points, of pipeline.curves."""

    importance: Mapping[str, Any]
    baseline_error: str | None
    rivals: tuple[Rival, ...] = ()
    """A constant and the best single column, all rows first."""

    def metrics_of(self, column: str) -> list[str]:
        """What its slices are held to; the area under ROC if to nothing."""
        slices = self.columns[column]
        held = [m for m in SHOWN if any(s.measures[m].bounds for s in slices)]
        return held or ["auc"]


@dataclasses.dataclass(frozen=True)
class _Files:
    """What the Evaluator wrote."""

    candidate: Metrics
    baseline: Metrics
    intervals: Mapping[str, Mapping[str, Sequence[float]]]
    differences: Mapping[str, Mapping[str, Sequence[float]]]
    verdict: Verdict | None

    def passed(self, slice_: str, metric: str) -> bool | None:
        """The verdict's word on all bounds of that metric there."""
        checks = self.verdict.checks if self.verdict else ()
        found = [c.passed for c in checks if (c.slice, c.metric) == (slice_, metric)]
        return all(found) if found else None


def of_artifact(folder: str, rules: EvaluationConfig) -> Evaluation | None:
    """The evaluation in that folder; None where there is none.

    Args:
      folder: the Evaluator's `evaluation`.
      rules: that it was judged by.
    """
    metrics = files.read_json(Path(folder, "metrics.json"))
    if not metrics:
        return None
    written = files.read_json(Path(folder, "verdict.json"))
    verdict = Verdict.from_dict(written) if written else None
    extra = files.read_json(Path(folder, "explanation.json")) or {}
    found = _Files(
        metrics["candidate"],
        metrics.get("baseline") or {},
        extra.get("intervals", {}),
        extra.get("differences", {}),
        verdict,
    )
    by_rule = metrics.get("slices") or _of_columns(found.candidate)
    columns = {}
    for rule in rules.slices:
        slices = [
            _slice(name, _value(name, rule.keys), rule.floors, found)
            for name in by_rule.get(rule.title, ())
        ]
        columns[rule.title] = tuple(sorted(slices, key=lambda each: not each.failed))
    return Evaluation(
        overall=_slice(OVERALL, OVERALL, rules.thresholds, found),
        columns=columns,
        curves=extra.get("curves", {}),
        importance=extra.get("importance", {"rows": 0, "features": []}),
        baseline_error=verdict.baseline_error if verdict else None,
        rivals=verdict.rivals if verdict else (),
    )


def _of_columns(candidate: Metrics) -> dict[str, list[str]]:
    """As an older Evaluator has it, which sliced by the values of a column alone."""
    found: dict[str, list[str]] = {}
    for name in candidate:
        found.setdefault(name.partition("=")[0], []).append(name)
    return found


def _value(name: str, columns: Sequence[str]) -> str:
    """Without the column's name where there is one column."""
    return name.removeprefix(f"{columns[0]}=") if len(columns) == 1 else name


def _slice(
    name: str, value: str, bounds: Mapping[str, Threshold], found: _Files
) -> Slice:
    return Slice(
        name=name,
        value=value,
        rows=int(found.candidate[name].get("example_count", 0)),
        judged=not found.verdict or name not in found.verdict.unjudged,
        measures={
            metric: _measure(metric, name, bounds.get(metric), found)
            for metric in SHOWN
        },
    )


def _measure(metric: str, name: str, rule: Threshold | None, found: _Files) -> Measure:
    baseline = found.baseline.get(name, {}).get(metric)
    interval = found.intervals.get(name, {}).get(metric)
    difference = found.differences.get(name, {}).get(metric)
    return Measure(
        metric=metric,
        value=found.candidate[name].get(metric),
        interval=(interval[0], interval[1]) if interval else None,
        baseline=baseline,
        difference=(difference[0], difference[1], difference[2])
        if difference
        else None,
        bounds=tuple(_bounds(rule, baseline)) if rule else (),
        passed=found.passed(name, metric),
    )


def _bounds(rule: Threshold, baseline: float | None) -> Iterator[Bound]:
    if rule.min is not None:
        yield Bound(rule.min, True, f"at least {rule.min:g}")
    if rule.max is not None:
        yield Bound(rule.max, False, f"at most {rule.max:g}")
    if rule.max_loss is None or baseline is None:
        return
    words = f"at most {rule.max_loss:g} worse than the baseline"
    if rule.higher_is_better:
        yield Bound(baseline - rule.max_loss, True, words)
    else:
        yield Bound(baseline + rule.max_loss, False, words)
