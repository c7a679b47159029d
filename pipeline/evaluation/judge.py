"""Is a model good enough? Metrics and bounds in, a verdict that explains itself out."""

from __future__ import annotations

import dataclasses
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
    champion: Rival | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> Verdict:
    """Checks every bound of the configuration.

    Args:
      config: bounds overall and for slices.
      candidate: metrics of the new model.
      baseline: metrics of the latest blessed model on the same examples, if any.
      baseline_error: why the baseline could not be evaluated, if it could not.
      unlabelled: rows that nobody could judge a model on.
      rivals: what costs nothing, on the same rows.
      champion: the baseline on them, which decides where no bounds are stated.
      slices: title of a slice rule -> names of its slices.
    """
    baseline = baseline or {}
    found = _Found(list(_checks(OVERALL, config.thresholds, candidate, baseline)))
    if unlabelled:
        found.notes.append(f"{unlabelled:,} rows have no label")
    found.objections += [*_not_numbers(candidate), *_unbeaten(config, rivals)]
    for rule in config.slices:
        names = (slices or {}).get(rule.title, ())
        _judge_slices(found, rule, names, config.unjudged, candidate, baseline)
    if not config.thresholds:
        found.notes.append("no bounds are stated")
        found.objections += _worse(champion)
    if not (found.checks or rivals or found.objections):
        found.objections.append(
            "nothing was checked: state bounds under evaluation.thresholds"
        )
    good = all(check.passed for check in found.checks) and not found.objections
    if baseline_error and good:
        word, blessed = BASELINE_UNUSABLE, config.unusable_baseline == "accept"
    else:
        word, blessed = (BLESSED if good else NOT_BLESSED), good
    return Verdict(
        word=word,
        blessed=blessed,
        checks=tuple(found.checks),
        unjudged=tuple(found.unjudged),
        not_judged=tuple(found.notes),
        rivals=tuple(rivals),
        objections=tuple(found.objections),
        baseline_error=baseline_error,
    )


@dataclasses.dataclass
class _Found:
    """What a verdict is made of, so far."""

    checks: list[Check]
    unjudged: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    objections: list[str] = dataclasses.field(default_factory=list)


def _judge_slices(
    found: _Found,
    rule: Slice,
    names: Sequence[str],
    unjudged: str,
    candidate: Metrics,
    baseline: Metrics,
) -> None:
    """Holds each slice of the rule to its floors."""
    few = [n for n in names if _rows(candidate[n]) < rule.min_examples]
    found.unjudged += [name for name in few if name not in found.unjudged]
    if len(few) == len(names):
        line = _unjudged(rule, names)
        found.notes.append(line)
        if unjudged == "refuse" or (unjudged == "refuse_where_floor" and rule.floors):
            found.objections.append(f"{line}; evaluation.unjudged: {unjudged}")
    for name in names:
        if name in few:
            continue
        floors, missing = _defined(rule.floors, candidate[name])
        found.notes += [f"{m} ({name}): one class, not judged" for m in missing]
        found.checks += _checks(name, floors, candidate, baseline)


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


def _unjudged(rule: Slice, names: Sequence[str]) -> str:
    if not names:
        return f"slices of {rule.title}: no row has a value there, nothing was judged"
    return (
        f"slices of {rule.title}: none of its {len(names)} values has "
        f"{rule.min_examples} rows, nothing was judged"
    )


def _unbeaten(config: EvaluationConfig, rivals: Sequence[Rival]) -> Iterator[str]:
    must = config.must_beat
    for rival in rivals:
        rule = must.single_column if rival.column else must.constant
        if rival.slice == OVERALL and rule == "refuse" and not rival.is_beaten:
            key = "single_column" if rival.column else "constant"
            yield f"{rival}; evaluation.must_beat.{key}: refuse"


def _worse(champion: Rival | None) -> Iterator[str]:
    if champion and champion.high < 0:
        yield (
            f"the model is worse than the champion: log loss "
            f"{champion.model_log_loss:.4f} against {champion.log_loss:.4f} "
            f"(difference {champion.low:+.4f} to {champion.high:+.4f}, 95 %)"
        )


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
