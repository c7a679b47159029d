"""The Evaluator's files as values with intervals, and the bounds they were held to."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline import files

OVERALL = "overall"
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
    """Slicing column -> its slices, those with a broken bound first."""

    curves: Mapping[str, Any]
    """Model -> points, of pipeline.curves."""

    importance: Mapping[str, Any]
    baseline_error: str | None

    def metrics_of(self, column: str) -> list[str]:
        """What its slices are held to; the area under ROC if to nothing."""
        slices = self.columns[column]
        held = [m for m in SHOWN if any(s.measures[m].bounds for s in slices)]
        return held or ["auc"]


def of_artifact(folder: str, rules: Mapping[str, Any]) -> Evaluation | None:
    """The evaluation in that folder; None where there is none.

    Args:
      folder: the Evaluator's `evaluation`.
      rules: `evaluation` of the configuration that it was judged by.
    """
    metrics = files.read_json(Path(folder, "metrics.json"))
    verdict = files.read_json(Path(folder, "verdict.json")) or {}
    if not metrics:
        return None
    extra = files.read_json(Path(folder, "explanation.json")) or {}
    checks: dict[tuple[str, str], bool] = {}
    for check in verdict.get("checks", ()):
        key = check["slice"], check["metric"]
        checks[key] = checks.get(key, True) and check["passed"]
    unjudged = set(verdict.get("unjudged", ()))

    def slice_of(name: str, value: str, bounds: Mapping[str, Any]) -> Slice:
        return Slice(
            name=name,
            value=value,
            rows=int(metrics["candidate"][name].get("example_count", 0)),
            judged=name not in unjudged,
            measures={
                metric: _measure(metric, name, metrics, extra, bounds, checks)
                for metric in SHOWN
            },
        )

    columns = {}
    for rule in rules["slices"]:
        prefix = f"{rule['column']}="
        slices = [
            slice_of(name, name.removeprefix(prefix), rule["floors"])
            for name in metrics["candidate"]
            if name.startswith(prefix)
        ]
        columns[rule["column"]] = tuple(sorted(slices, key=_order))
    return Evaluation(
        overall=slice_of(OVERALL, OVERALL, rules["thresholds"]),
        columns=columns,
        curves=extra.get("curves", {}),
        importance=extra.get("importance", {"rows": 0, "features": []}),
        baseline_error=verdict.get("baseline_error"),
    )


def _measure(
    metric: str,
    name: str,
    metrics: Mapping[str, Any],
    extra: Mapping[str, Any],
    rules: Mapping[str, Any],
    checks: Mapping[tuple[str, str], bool],
) -> Measure:
    baseline = ((metrics.get("baseline") or {}).get(name) or {}).get(metric)
    interval = extra.get("intervals", {}).get(name, {}).get(metric)
    difference = extra.get("differences", {}).get(name, {}).get(metric)
    return Measure(
        metric=metric,
        value=metrics["candidate"][name].get(metric),
        interval=tuple(interval) if interval else None,
        baseline=baseline,
        difference=tuple(difference) if difference else None,
        bounds=tuple(_bounds(rules.get(metric) or {}, baseline)),
        passed=checks.get((name, metric)),
    )


def _bounds(rule: Mapping[str, Any], baseline: float | None) -> Iterator[Bound]:
    if rule.get("min") is not None:
        yield Bound(rule["min"], True, f"at least {rule['min']:g}")
    if rule.get("max") is not None:
        yield Bound(rule["max"], False, f"at most {rule['max']:g}")
    if rule.get("max_loss") is None or baseline is None:
        return
    words = f"at most {rule['max_loss']:g} worse than the baseline"
    if rule.get("higher_is_better", True):
        yield Bound(baseline - rule["max_loss"], True, words)
    else:
        yield Bound(baseline + rule["max_loss"], False, words)


def _order(each: Slice) -> tuple[Any, ...]:
    """What failed first; then numbers by their size, words by the alphabet."""
    parts = re.split(r"(\d+)", each.value)
    natural = [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p]
    return (not each.failed, natural)
