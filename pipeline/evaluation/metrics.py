"""TFMA's binary metrics over whole arrays: the same numbers, without a step a row.

Definitions as in tensorflow_model_analysis 0.52 (metrics/confusion_matrix_metrics.py,
metrics/calibration.py); a test holds each against TFMA itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

CANDIDATE = "candidate"
BASELINE = "baseline"
"""The two models of an evaluation, by TFMA's model_name."""

# TFMA's area under the curve comes from a histogram of the predictions, counted again
# between thresholds of their own: interpolated from 0 to 1, and one beyond each end.
_NUM_BUCKETS = 10_000
_EPSILON = 1e-7
_THRESHOLDS = np.arange(1, _NUM_BUCKETS - 1) / (_NUM_BUCKETS - 1) + _EPSILON

_Array = np.ndarray


def all_of(labels: _Array, predictions: _Array) -> dict[str, float]:
    """Name -> value of every metric; NaN where it is not defined.

    Args:
      labels: 0 or 1, shape (rows,).
      predictions: probabilities, shape (rows,).
    """
    return {name: metric(labels, predictions) for name, metric in METRICS.items()}


def _auc(labels: _Array, predictions: _Array) -> float:
    """Area under ROC: trapezoids between thresholds, highest threshold last."""
    positive = labels > 0
    true = _above(predictions[positive])
    false = _above(predictions[~positive])
    if not true[0] or not false[0]:
        return 0.0
    recall, fallout = true / true[0], false / false[0]
    heights = (recall[:-1] + recall[1:]) / 2
    return float(np.sum((fallout[:-1] - fallout[1:]) * heights))


def _above(predictions: _Array) -> _Array:
    """How many predictions lie above each threshold, by their bucket's lower edge."""
    ordered = np.sort(np.floor(predictions * _NUM_BUCKETS) / _NUM_BUCKETS)
    between = len(ordered) - np.searchsorted(ordered, _THRESHOLDS)
    return np.concatenate([[len(ordered)], between, [0]])


def _accuracy(labels: _Array, predictions: _Array) -> float:
    return float(np.mean((predictions > 0.5) == (labels > 0)))


def _precision(labels: _Array, predictions: _Array) -> float:
    return _ratio(np.sum(labels[predictions > 0.5]), np.sum(predictions > 0.5))


def _recall(labels: _Array, predictions: _Array) -> float:
    return _ratio(np.sum(labels[predictions > 0.5]), np.sum(labels))


def _calibration(labels: _Array, predictions: _Array) -> float:
    return _ratio(np.sum(predictions), np.sum(labels))


def _ratio(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else float("nan")


METRICS: dict[str, Callable[[_Array, _Array], float]] = {
    "auc": _auc,
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "calibration": _calibration,
    "mean_label": lambda labels, _: float(np.mean(labels)),
    "mean_prediction": lambda _, predictions: float(np.mean(predictions)),
    "example_count": lambda labels, _: float(len(labels)),
}
