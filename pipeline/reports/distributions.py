"""One column of numbers in every split, on one axis: where its rows are.

Whole numbers stand one by one. Other numbers, and those of a wide range, are in bins of
the same edges for all splits, from the lowest 1 % to the highest 99 % of any: a single
large value does not make a sliver of the rest.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from pipeline.reports.statistics import Bucket, Column

BINS = 24
MAX_BARS = 100
_TAIL = 0.01


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Of the splits of one column."""

    ends: tuple[float, float]
    """The axis; of whole numbers one by one, the first and the last of them."""

    shares: tuple[tuple[float, ...], ...]
    """Of each split's rows with a value: in each of the equally wide bins."""

    cut: bool = False
    """Whether rows lie beyond the ends."""


def of(splits: Sequence[Column]) -> Distribution | None:
    """None where there is no number to place.

    Args:
      splits: one column in each split, of numbers.
    """
    known = [spread for column in splits if (spread := _spread(column))]
    if not known:
        return None
    ends = [edge for spread in known for low, high, _ in spread for edge in (low, high)]
    if all(column.counts for column in splits) and max(ends) - min(ends) < MAX_BARS:
        first, last = min(ends), max(ends)
        bars = _binned(known, first - 0.5, last + 0.5, round(last - first) + 1)
        return dataclasses.replace(bars, ends=(first, last))
    low = min(_quantile(spread, _TAIL) for spread in known)
    high = max(_quantile(spread, 1 - _TAIL) for spread in known)
    if low == high:
        low, high = min(ends), max(ends)
    if low == high:
        only = _binned(known, low - 0.5, high + 0.5, 3)
        return dataclasses.replace(only, ends=(low, high))
    found = _binned(known, low, high, BINS)
    return dataclasses.replace(found, cut=(low, high) != (min(ends), max(ends)))


def _spread(column: Column) -> Sequence[Bucket]:
    """Where its rows are, as finely as its statistics say it."""
    if column.counts:
        return [(value, value, rows) for value, rows in column.counts.items()]
    whole = column.hundredths or column.histogram
    return [each for each in whole if math.isfinite(each[0] + each[1])]


def _binned(
    spreads: Sequence[Sequence[Bucket]], low: float, high: float, bins: int
) -> Distribution:
    edges = np.linspace(low, high, bins + 1)
    shares = tuple(tuple(_shares(spread, edges).tolist()) for spread in spreads)
    return Distribution((low, high), shares)


def _shares(spread: Sequence[Bucket], edges: np.ndarray) -> np.ndarray:
    """Of all rows: in each bin; a bucket's rows lie evenly over it."""
    lows, highs, rows = np.array(spread, float).T
    widths = np.maximum(highs - lows, 0)
    points = widths == 0
    inside = points & (lows >= edges[0]) & (lows <= edges[-1])
    places = np.searchsorted(edges, lows[inside], side="right") - 1
    places = np.minimum(places, len(edges) - 2)
    found = np.bincount(places, weights=rows[inside], minlength=len(edges) - 1)
    # Rows of each wide bucket below each edge; what is between two edges is the bin's.
    wide = ~points
    below = np.clip(
        (edges - lows[wide, None]) / widths[wide, None] * rows[wide, None],
        0,
        rows[wide, None],
    ).sum(axis=0)
    return (found + np.diff(below)) / (rows.sum() or 1)


def _quantile(spread: Sequence[Bucket], share: float) -> float:
    """The value that this share of the rows does not exceed."""
    ordered = sorted(spread)
    wanted, below = share * sum(rows for _, _, rows in ordered), 0.0
    for low, high, rows in ordered:
        if rows and below + rows >= wanted:
            return low + (high - low) * (wanted - below) / rows
        below += rows
    return ordered[-1][1]
