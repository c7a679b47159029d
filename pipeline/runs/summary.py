"""The summary of a run: what its terminal, its page and the next runs read of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.runs.node_run import NodeRun
from pipeline.runs.not_numbers import NotNumbers
from pipeline.runs.verdict import OVERALL, Check, Rival, Verdict

FILE = "summary.json"

CUT_OFF = "UNKNOWN"
"""The outcome of a run that left no summary."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One run, after its end."""

    run_id: str
    outcome: str = CUT_OFF
    """The word of pipeline.runs.outcome.Outcome, or UNKNOWN."""

    pipeline: str = ""
    provider: str = "local"
    """The runner: local or vertex."""

    exit_code: int | None = None
    node: str | None = None
    """Where it ended, when it did not succeed."""

    reasons: tuple[str, ...] = ()
    """The error's or the verdict's own words."""

    nodes: tuple[NodeRun, ...] = ()
    """In their order."""

    verdict: str | None = None
    """The verdict's word; None when there is none."""

    checks: tuple[Check, ...] = ()
    """The verdict's checks."""

    not_judged: tuple[str, ...] = ()
    """What the verdict could not judge, a line each."""

    rivals: tuple[Rival, ...] = ()
    """What costs nothing, beside the model on all rows."""

    metrics: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    """Slice -> metric -> value, of the candidate."""

    pushed: str | None = None
    """Folder of the pushed version."""

    same_as: str = ""
    """Folder of the version that holds this very model already."""

    overridden: str = ""
    """By whom, when and why a refused model was pushed all the same."""

    data: str = ""
    """Span and rows, in words."""

    drifted: tuple[str, ...] = ()
    """A line for each column that moved away from the baseline."""

    unlabelled: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Split -> rows without a label, which are neither learned nor judged."""

    not_numbers: tuple[NotNumbers, ...] = ()
    """Values that were taken as missing, by column and split."""

    config_digest: str = ""
    inputs_digest: str = ""
    """SHA-256 of all that the run depends on."""

    partial: bool = False
    """Only a part of the graph was asked for."""

    seconds: float = 0.0
    seconds_before: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Node -> seconds that it took when an earlier run last did its work."""

    log: str = ""
    report: str = ""
    next: str = ""
    """The command to type now."""

    told: tuple[str, ...] = ()
    """A line for each channel worth one."""

    @property
    def succeeded(self) -> bool:
        """Whether it went as it should."""
        return self.outcome == "SUCCEEDED"

    @property
    def was_cut_off(self) -> bool:
        """Whether it never came to a summary."""
        return self.outcome == CUT_OFF

    def judged(self, verdict: Verdict | None) -> RunSummary:
        """With what the verdict says; as it is where there is none."""
        if verdict is None:
            return self
        return dataclasses.replace(
            self,
            verdict=verdict.word,
            checks=verdict.checks,
            not_judged=verdict.lacks,
            rivals=verdict.overall_rivals,
        )

    @property
    def overall(self) -> Mapping[str, float]:
        """Metric -> value on all rows; {} without an evaluation."""
        return self.metrics.get(OVERALL, {})

    @property
    def failing(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for JSON; `overridden` only where somebody did."""
        plain = {
            **vars(self),
            "nodes": [node.to_dict() for node in self.nodes],
            "checks": [check.to_dict() for check in self.checks],
            "rivals": [rival.to_dict() for rival in self.rivals],
            "not_numbers": [each.to_dict() for each in self.not_numbers],
        }
        if not self.overridden:
            del plain["overridden"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RunSummary:
        """The summary of what `to_dict` gave; another version says less or more."""
        names = {field.name for field in dataclasses.fields(cls)}
        known = {key: value for key, value in plain.items() if key in names}
        for name in ("reasons", "not_judged", "drifted", "told"):
            known[name] = tuple(known.get(name, ()))
        known["nodes"] = tuple(map(NodeRun.from_dict, known.get("nodes", ())))
        known["rivals"] = tuple(map(Rival.from_dict, known.get("rivals", ())))
        known["not_numbers"] = tuple(
            map(NotNumbers.from_dict, known.get("not_numbers", ()))
        )
        known["checks"] = tuple(map(Check.from_dict, known.get("checks", ())))
        return cls(**known)
