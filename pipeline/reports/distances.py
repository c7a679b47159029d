"""How far a column moved between two data sets, as TFDV's comparators measure it.

Words: L-infinity, the largest change of any value's share. Numbers: Jensen-Shannon
divergence of the histograms, in bits: 0 the same, 1 nothing in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.reports.statistics import Bucket, Column


def between(one: Column, other: Column) -> float | None:
    """The distance of two columns of a kind; None where there is none."""
    if one.is_number != other.is_number:
        return None
    if one.is_number:
        return jensen_shannon(one.histogram, other.histogram)
    return l_infinity(one.values, other.values)


def l_infinity(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    """The largest difference of a value's share."""
    total, others = sum(one.values()), sum(other.values())
    if not total or not others:
        return None
    return max(
        abs(one.get(value, 0) / total - other.get(value, 0) / others)
        for value in one.keys() | other.keys()
    )


def jensen_shannon(one: Sequence[Bucket], other: Sequence[Bucket]) -> float | None:
    """The divergence of two histograms, brought to the same edges."""
    edges = np.unique([edge for low, high, _ in (*one, *other) for edge in (low, high)])
    if not _total(one) or not _total(other):
        return None
    p, q = (_spread(histogram, edges) for histogram in (one, other))
    middle = (p + q) / 2
    return max(0.0, (_relative(p, middle) + _relative(q, middle)) / 2)


def _total(histogram: Sequence[Bucket]) -> float:
    return sum(count for _, _, count in histogram)


def _spread(histogram: Sequence[Bucket], edges: np.ndarray) -> np.ndarray:
    """Shares between the edges and, after them, at each edge.

    A bucket's rows lie evenly over it, and a bucket without a width at its edge.
    """
    between, at = np.zeros(len(edges) - 1), np.zeros(len(edges))
    for low, high, count in histogram:
        first, last = np.searchsorted(edges, [low, high])
        if first == last:
            at[first] += count
        else:
            widths = np.diff(edges[first : last + 1])
            between[first:last] += count * widths / (high - low)
    return np.concatenate([between, at]) / _total(histogram)


def _relative(p: np.ndarray, q: np.ndarray) -> float:
    """Kullback-Leibler divergence, in bits."""
    some = p > 0
    return float(np.sum(p[some] * np.log2(p[some] / q[some])))
