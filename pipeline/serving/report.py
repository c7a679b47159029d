"""What the serving check measured of a model that serves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServingReport:
    """Of single-row requests to a fresh process, and of the model it loaded."""

    rows: int
    """Rows that were asked, as tf.Examples and by column."""

    p50_ms: float
    """Milliseconds of a request, the median."""

    p95_ms: float
    load_s: float
    size_mb: float
    model_sha256: str
    """Digest of the model itself (serving/identity.py)."""

    @property
    def measured(self) -> dict[str, float]:
        """All numbers, by their names."""
        return {k: v for k, v in vars(self).items() if k != "model_sha256"}

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ServingReport:
        """The report of what `to_dict` gave."""
        return cls(**plain)
