"""The verdict on a model, as it is written down: the checks, the word, the reasons.

`pipeline.evaluation.judge` comes to it; terminal, report, messages and lineage read it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

OVERALL = "overall"

BLESSED = "BLESSED"
NOT_BLESSED = "NOT_BLESSED"
BASELINE_UNUSABLE = "BASELINE_UNUSABLE"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One bound of one metric on one slice."""

    slice: str
    metric: str
    candidate: float | None
    baseline: float | None
    bound: str
    passed: bool

    @property
    def difference(self) -> float | None:
        """Candidate minus baseline, in the metric's own unit."""
        if self.candidate is None or self.baseline is None:
            return None
        return self.candidate - self.baseline

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return {**vars(self), "difference": self.difference}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Check:
        """The check of what `to_dict` gave, whatever else stands there."""
        return cls(**{field.name: plain[field.name] for field in _FIELDS})

    def __str__(self) -> str:
        """One line: what, how much, against which bound."""
        against = "" if self.baseline is None else f", baseline {self.baseline:.4f}"
        if self.difference is not None:
            against += f", difference {self.difference:+.4f}"
        value = "not a number" if self.candidate is None else f"{self.candidate:.4f}"
        return f"{self.metric} ({self.slice}) is {value}{against}; needs {self.bound}"


_FIELDS = dataclasses.fields(Check)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The decision and all that led to it."""

    word: str
    """BLESSED, NOT_BLESSED or BASELINE_UNUSABLE."""

    blessed: bool
    checks: tuple[Check, ...]
    unjudged: tuple[str, ...] = ()
    """Slices with too few examples to be judged."""

    baseline_error: str | None = None

    @property
    def reasons(self) -> list[str]:
        """Why it is not blessed, one line each; empty when it is."""
        lines = [str(check) for check in self.checks if not check.passed]
        if self.word == BASELINE_UNUSABLE and not self.blessed:
            lines.insert(
                0,
                "the latest blessed model cannot be evaluated on this data any more: "
                f"{self.baseline_error}. To judge the candidate by its value bounds "
                "alone: evaluation.unusable_baseline=accept",
            )
        return lines

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        checks = [check.to_dict() for check in self.checks]
        return {**vars(self), "checks": checks, "reasons": self.reasons}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Verdict:
        """The verdict of what `to_dict` gave; the reasons follow from the rest."""
        return cls(
            word=plain["word"],
            blessed=plain["blessed"],
            checks=tuple(map(Check.from_dict, plain["checks"])),
            unjudged=tuple(plain.get("unjudged", ())),
            baseline_error=plain.get("baseline_error"),
        )
