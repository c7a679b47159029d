"""Is a model good enough? Metrics and bounds in, a verdict that explains itself out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pipeline.config.evaluation import EvaluationConfig, Slice, Threshold
from pipeline.runs.verdict import (
    BASELINE_UNUSABLE,
    BLESSED,
    NOT_BLESSED,
    OVERALL,
    Check,
    Rival,
    Verdict,
)

Metrics = Mapping[str, Mapping[str, float]]
"""Slice ('overall', 'payment_type=Cash') -> metric -> value."""


def judge(
    config: EvaluationConfig,
    candidate: Metrics,
    baseline: Metrics | None = None,
    baseline_error: str | None = None,
    unlabelled: int = 0,
    rivals: Sequence[Rival] = (),
) -> Verdict:
    """Checks every bound of the configuration.

    Args:
      config: bounds overall and for slices.
      candidate: metrics of the new model.
      baseline: metrics of the latest blessed model on the same examples, if any.
      baseline_error: why the baseline could not be evaluated, if it could not.
      unlabelled: rows that nobody could judge a model on.
      rivals: what costs nothing, on the same rows.
    """
    baseline = baseline or {}
    checks = list(_checks(OVERALL, config.thresholds, candidate, baseline))
    unjudged: list[str] = []
    notes = [f"{unlabelled:,} rows have no label"] if unlabelled else []
    objections = [*_not_numbers(candidate), *_unbeaten(config, rivals)]
    for rule in config.slices:
        names = sorted(s for s in candidate if s.startswith(f"{rule.column}="))
        few = [n for n in names if _rows(candidate[n]) < rule.min_examples]
        unjudged += few
        if few == names:
            line = _unjudged(rule, names)
            notes.append(line)
            refuse_floor = config.unjudged == "refuse_where_floor" and rule.floors
            if config.unjudged == "refuse" or refuse_floor:
                objections.append(f"{line}; evaluation.unjudged: {config.unjudged}")
        for name in names:
            if name not in few:
                judged, undefined = _defined(rule.floors, candidate[name])
                notes += [f"{m} ({name}): one class, not judged" for m in undefined]
                checks += _checks(name, judged, candidate, baseline)
    good = all(check.passed for check in checks) and not objections
    if baseline_error and good:
        word, blessed = BASELINE_UNUSABLE, config.unusable_baseline == "accept"
    else:
        word, blessed = (BLESSED if good else NOT_BLESSED), good
    return Verdict(
        word=word,
        blessed=blessed,
        checks=tuple(checks),
        unjudged=tuple(unjudged),
        not_judged=tuple(notes),
        rivals=tuple(rivals),
        objections=tuple(objections),
        baseline_error=baseline_error,
    )


def undefined(metrics: Mapping[str, float]) -> tuple[str, ...]:
    """The metrics that do not exist where all rows have one label.

    TFMA says 0 for the area under a curve that nobody can draw.
    """
    return _UNDEFINED.get(metrics.get("mean_label", 0.5), ())


_UNDEFINED = {0.0: ("auc", "recall", "calibration"), 1.0: ("auc",)}


def _defined(
    thresholds: Mapping[str, Threshold], metrics: Mapping[str, float]
) -> tuple[dict[str, Threshold], list[str]]:
    """The bounds that can be held there, and the metrics of those that cannot."""
    missing = [name for name in thresholds if name in undefined(metrics)]
    return {n: t for n, t in thresholds.items() if n not in missing}, missing


def _rows(metrics: Mapping[str, float]) -> float:
    return metrics.get("example_count", 0)


def _unjudged(rule: Slice, names: list[str]) -> str:
    if not names:
        return f"slices of {rule.column}: no row has a value there, nothing was judged"
    return (
        f"slices of {rule.column}: none of its {len(names)} values has "
        f"{rule.min_examples} rows, nothing was judged"
    )


def _unbeaten(config: EvaluationConfig, rivals: Sequence[Rival]) -> Iterator[str]:
    must = config.must_beat
    for rival in rivals:
        rule = must.single_column if rival.column else must.constant
        if rival.slice == OVERALL and rule == "refuse" and not rival.is_beaten:
            key = "single_column" if rival.column else "constant"
            yield f"{rival}; evaluation.must_beat.{key}: refuse"


def _not_numbers(candidate: Metrics) -> Iterator[str]:
    """Whatever the bounds are: no decision follows from answers that are no numbers."""
    mean = candidate.get(OVERALL, {}).get("mean_prediction")
    if mean is not None and not math.isfinite(mean):
        yield "some of the model's predictions are not numbers"


def _checks(
    slice_name: str,
    thresholds: Mapping[str, Threshold],
    candidate: Metrics,
    baseline: Metrics,
) -> Iterator[Check]:
    for metric, threshold in thresholds.items():
        value = _number(candidate.get(slice_name, {}).get(metric))
        other = _number(baseline.get(slice_name, {}).get(metric))
        for bound, passed in _bounds(threshold, value, other):
            yield Check(
                slice=slice_name,
                metric=metric,
                candidate=value,
                baseline=other,
                bound=bound,
                passed=passed,
            )


def _bounds(
    threshold: Threshold, value: float | None, baseline: float | None
) -> Iterator[tuple[str, bool]]:
    """Each bound in words and whether it holds; what is not a number never holds."""
    if threshold.min is not None:
        yield f">= {threshold.min:g}", value is not None and value >= threshold.min
    if threshold.max is not None:
        yield f"<= {threshold.max:g}", value is not None and value <= threshold.max
    if threshold.max_loss is not None and baseline is not None:
        sign = 1 if threshold.higher_is_better else -1
        holds = value is not None and sign * (baseline - value) <= threshold.max_loss
        yield f"at most {threshold.max_loss:g} worse than the baseline", holds


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
