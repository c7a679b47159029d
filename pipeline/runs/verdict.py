"""The verdict on a model, as it is written down: the checks, the word, the reasons.

`pipeline.evaluation.judge` comes to it; terminal, report, messages and lineage read it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
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
class Rival:
    """What costs nothing, beside the model on the same rows."""

    slice: str
    column: str
    """The column whose table answers; '' is the constant, the share in train."""

    auc: float | None
    """The rival's; None where all rows have one label."""

    accuracy: float
    log_loss: float
    model_log_loss: float
    low: float
    high: float
    """95 % interval of how much lower the model's log loss is, paired by rows."""

    @property
    def is_beaten(self) -> bool:
        """Whether the model is better, as far as the rows can tell."""
        return self.low > 0

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return {**vars(self), "is_beaten": self.is_beaten}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Rival:
        """The rival of what `to_dict` gave, whatever else stands there."""
        names = (field.name for field in dataclasses.fields(cls))
        return cls(**{name: plain[name] for name in names})

    def __str__(self) -> str:
        """One line: what it is, how good, and what the model adds to it."""
        name = f"{self.column} alone" if self.column else "a constant"
        auc = "" if self.auc is None else f"AUC {self.auc:.4f}, "
        verb = "adds" if self.is_beaten else "adds nothing that these rows can show:"
        gain = self.log_loss - self.model_log_loss
        return (
            f"{name}: {auc}log loss {self.log_loss:.4f}; the model {verb} {gain:+.4f} "
            f"(95 %: {self.low:+.4f} to {self.high:+.4f})"
        )


_MAX_NAMES = 5


def too_few_rows(slices: Sequence[str]) -> str:
    """One line that names the slices, the first few of them."""
    more = len(slices) - _MAX_NAMES
    names = "; ".join(slices[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
    return f"too few rows: {names}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The decision and all that led to it."""

    word: str
    """BLESSED, NOT_BLESSED or BASELINE_UNUSABLE."""

    blessed: bool
    checks: tuple[Check, ...]
    unjudged: tuple[str, ...] = ()
    """Slices with too few examples to be judged."""

    not_judged: tuple[str, ...] = ()
    """In words: slicing columns of which no value could be judged, and metrics that
    are not defined on a slice."""

    rivals: tuple[Rival, ...] = ()
    """The constant and the best single column, overall and on slices."""

    objections: tuple[str, ...] = ()
    """In words: what refuses the model beside the checks."""

    baseline_error: str | None = None

    @property
    def lacks(self) -> tuple[str, ...]:
        """All that was not judged, in words: `not_judged`, and slices by their name."""
        small = self.unjudged
        return (*self.not_judged, *([too_few_rows(small)] if small else []))

    @property
    def overall_rivals(self) -> tuple[Rival, ...]:
        """Those on all rows."""
        return tuple(rival for rival in self.rivals if rival.slice == OVERALL)

    @property
    def reasons(self) -> list[str]:
        """Why it is not blessed, one line each; empty when it is."""
        failed = (str(check) for check in self.checks if not check.passed)
        lines = [*self.objections, *failed]
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
        rivals = [rival.to_dict() for rival in self.rivals]
        said = {**vars(self), "checks": checks, "rivals": rivals}
        return {**said, "reasons": self.reasons}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Verdict:
        """The verdict of what `to_dict` gave; the reasons follow from the rest."""
        return cls(
            word=plain["word"],
            blessed=plain["blessed"],
            checks=tuple(map(Check.from_dict, plain["checks"])),
            unjudged=tuple(plain.get("unjudged", ())),
            not_judged=tuple(plain.get("not_judged", ())),
            rivals=tuple(map(Rival.from_dict, plain.get("rivals", ()))),
            objections=tuple(plain.get("objections", ())),
            baseline_error=plain.get("baseline_error"),
        )
