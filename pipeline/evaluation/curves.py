"""ROC, precision and recall, calibration and scores of a model, as a few points."""

from __future__ import annotations

import numpy as np

from pipeline.evaluation import intervals

MAX_POINTS = 160
CALIBRATION_BINS = 10
SCORE_BINS = 20

_Array = np.ndarray


def of(labels: _Array, predictions: _Array) -> dict[str, object]:
    """Points that a picture needs, as plain values; the same however many rows.

    Args:
      labels: 0 or 1, shape (rows,).
      predictions: probabilities, shape (rows,).

    Returns:
      `roc` [fallout, recall], `precision_recall` [recall, precision] (both None with
      one class only), `calibration` (mean prediction, mean label, its interval and
      rows of each tenth of the rows), `scores` (rows by score, for each class).
    """
    positive = labels > 0
    both = positive.any() and not positive.all()
    roc, precision_recall = _curves(positive, predictions) if both else (None, None)
    return {
        "roc": roc,
        "precision_recall": precision_recall,
        "calibration": _calibration(positive, predictions),
        "scores": {
            "negative": _counts(predictions[~positive]),
            "positive": _counts(predictions[positive]),
        },
    }


def _curves(
    positive: _Array, predictions: _Array
) -> tuple[list[list[float]], list[list[float]]]:
    order = np.argsort(-predictions, kind="stable")
    true, ordered = np.cumsum(positive[order]), predictions[order]
    # Rows with the same score lie on the same side of every threshold.
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true, false = true[ends], ends + 1 - true[ends]
    recall, fallout = true / true[-1], false / false[-1]
    kept = _evenly(recall + fallout)
    precision = true / (true + false)
    roc = [[0.0, 0.0], *_pairs(fallout[kept], recall[kept])]
    return roc, _pairs(recall[kept], precision[kept])


def _evenly(length: _Array) -> _Array:
    """Places of at most MAX_POINTS points, evenly along a curve of that length."""
    wanted = np.linspace(length[0], length[-1], MAX_POINTS)
    return np.unique(np.minimum(np.searchsorted(length, wanted), len(length) - 1))


def _calibration(positive: _Array, predictions: _Array) -> list[dict[str, float]]:
    """Tenths of the rows, from the lowest predictions to the highest."""
    order = np.argsort(predictions, kind="stable")
    bins = []
    for places in np.array_split(order, min(CALIBRATION_BINS, len(order))):
        observed = float(positive[places].mean())
        low, high = intervals.wilson(observed, len(places))
        bins.append(
            {
                "predicted": _rounded(predictions[places].mean()),
                "observed": _rounded(observed),
                "low": _rounded(low),
                "high": _rounded(high),
                "rows": len(places),
            }
        )
    return bins


def _counts(predictions: _Array) -> list[int]:
    return np.histogram(predictions, bins=SCORE_BINS, range=(0, 1))[0].tolist()


def _pairs(x: _Array, y: _Array) -> list[list[float]]:
    return [[_rounded(a), _rounded(b)] for a, b in zip(x, y, strict=True)]


def _rounded(value: float) -> float:
    return round(float(value), 5)
