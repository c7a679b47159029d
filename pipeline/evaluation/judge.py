"""Is a model good enough? Metrics and bounds in, a verdict that explains itself out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pipeline.config.evaluation import EvaluationConfig, Threshold
from pipeline.runs.verdict import (
    BASELINE_UNUSABLE,
    BLESSED,
    NOT_BLESSED,
    OVERALL,
    Check,
    Verdict,
)

Metrics = Mapping[str, Mapping[str, float]]
"""Slice ('overall', 'payment_type=Cash') -> metric -> value."""


def judge(
    config: EvaluationConfig,
    candidate: Metrics,
    baseline: Metrics | None = None,
    baseline_error: str | None = None,
) -> Verdict:
    """Checks every bound of the configuration.

    Args:
      config: bounds overall and for slices.
      candidate: metrics of the new model.
      baseline: metrics of the latest blessed model on the same examples, if any.
      baseline_error: why the baseline could not be evaluated, if it could not.
    """
    baseline = baseline or {}
    checks = list(_checks(OVERALL, config.thresholds, candidate, baseline))
    unjudged = []
    for rule in config.slices:
        for name in sorted(s for s in candidate if s.startswith(f"{rule.column}=")):
            if candidate[name].get("example_count", 0) < rule.min_examples:
                unjudged.append(name)
            else:
                checks += _checks(name, rule.floors, candidate, baseline)
    good = all(check.passed for check in checks)
    if baseline_error and good:
        word, blessed = BASELINE_UNUSABLE, config.unusable_baseline == "accept"
    else:
        word, blessed = (BLESSED if good else NOT_BLESSED), good
    return Verdict(
        word=word,
        blessed=blessed,
        checks=tuple(checks),
        unjudged=tuple(unjudged),
        baseline_error=baseline_error,
    )


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
