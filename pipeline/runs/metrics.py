"""metrics.json: slice -> metric -> value of a model; null where it is not defined."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.runs.verdict import OVERALL

Plain = Mapping[str, Mapping[str, float | None]]


def defined(plain: Plain) -> dict[str, dict[str, float]]:
    """Slice -> metric -> value, of those that exist there."""
    return {
        name: {key: value for key, value in values.items() if value is not None}
        for name, values in plain.items()
    }


def overall(plain: Plain) -> dict[str, float]:
    """Metric -> value on all rows."""
    return defined(plain).get(OVERALL, {})
