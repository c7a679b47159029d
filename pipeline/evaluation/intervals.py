"""How far the data let a metric be trusted: 95 % intervals, without resampling.

Each metric moves a little with each row; the spread of these moves is its error. For
the area under ROC that is DeLong's method, for a ratio the delta method; two models
on the same rows are compared row by row. The same rows give the same interval.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Z = 1.959964
"""Standard errors on each side of the value in a 95 % interval."""

Interval = tuple[float, float]
_Array = np.ndarray

# Where an interval cannot reach beyond, whatever its formula says.
_RANGES = {"calibration": (0.0, np.inf)}
_SHARE = (0.0, 1.0)


def of(
    values: Mapping[str, float], labels: _Array, predictions: _Array
) -> dict[str, Interval]:
    """Metric -> (low, high) around its value; metrics without one are left out.

    Args:
      values: of `metrics.all_of` on the same rows.
      labels: 0 or 1, shape (rows,).
      predictions: probabilities, shape (rows,).
    """
    found = {}
    for name, moves in influences(labels, predictions).items():
        low, high = _RANGES.get(name, _SHARE)
        margin = Z * _error(moves)
        if not margin:
            continue  # few rows in perfect order are no certainty
        found[name] = (
            max(low, values[name] - margin),
            min(high, values[name] + margin),
        )
    for name, (_, among) in _shares(labels, predictions).items():
        if among.any():
            found[name] = wilson(values[name], int(among.sum()))
    return found


def differences(
    candidate: tuple[_Array, _Array], baseline: tuple[_Array, _Array]
) -> dict[str, Interval]:
    """Metric -> what candidate minus baseline may err by on each side of it: (-, +).

    Args:
      candidate: labels and predictions of one model.
      baseline: those of the other, of the same rows in the same order.
    """
    ours, theirs = influences(*candidate), influences(*baseline)
    margins = {n: Z * _error(ours[n] - theirs[n]) for n in ours.keys() & theirs.keys()}
    return {name: (-margin, margin) for name, margin in margins.items()}


def influences(labels: _Array, predictions: _Array) -> dict[str, _Array]:
    """Metric -> how far each row moves it, shape (rows,), of mean 0."""
    positive = labels > 0
    ratios = {
        **_shares(labels, predictions),
        "calibration": (predictions, labels),
        "mean_prediction": (predictions, np.ones(len(labels))),
    }
    moves = {
        name: (part - part.sum() / whole.sum() * whole) / whole.mean()
        for name, (part, whole) in ratios.items()
        if whole.any()
    }
    if positive.any() and not positive.all():
        moves["auc"] = _auc_influence(positive, predictions)
    return moves


def auc(labels: _Array, predictions: _Array) -> float:
    """The exact area under ROC: how often a positive is ranked above a negative."""
    positive = labels > 0
    return float(_placements(positive, predictions)[positive].mean())


def wilson(share: float, count: int) -> Interval:
    """Wilson's interval of a share of `count`; honest at 0 and 1 and for few rows."""
    centre = share + Z * Z / (2 * count)
    spread = Z * np.sqrt(share * (1 - share) / count + (Z / (2 * count)) ** 2)
    whole = 1 + Z * Z / count
    return float((centre - spread) / whole), float((centre + spread) / whole)


def _shares(labels: _Array, predictions: _Array) -> dict[str, tuple[_Array, _Array]]:
    """Metric -> rows that count, and the rows among which they are counted."""
    positive, predicted = labels > 0, predictions > 0.5
    everyone = np.ones(len(labels))
    return {
        "accuracy": ((positive == predicted).astype(float), everyone),
        "precision": ((positive & predicted).astype(float), predicted.astype(float)),
        "recall": ((positive & predicted).astype(float), positive.astype(float)),
        "mean_label": (positive.astype(float), everyone),
    }


def _error(moves: _Array) -> float:
    return float(moves.std() / np.sqrt(len(moves)))


def _auc_influence(positive: _Array, predictions: _Array) -> _Array:
    """DeLong's placement values, weighted so that their mean square is the variance."""
    placements = _placements(positive, predictions)
    share = np.where(positive, positive.mean(), 1 - positive.mean())
    return (placements - placements[positive].mean()) / share


def _placements(positive: _Array, predictions: _Array) -> _Array:
    """The share of the other class that each row is on the right side of; ties half."""
    ups, downs = np.sort(predictions[positive]), np.sort(predictions[~positive])
    below = _ranks(downs, predictions[positive]) / len(downs)
    above = 1 - _ranks(ups, predictions[~positive]) / len(ups)
    placements = np.empty(len(predictions))
    placements[positive], placements[~positive] = below, above
    return placements


def _ranks(ordered: _Array, values: _Array) -> _Array:
    left, right = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return (left + right) / 2
