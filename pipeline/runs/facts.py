"""What a person must know of a run, and nothing that only a machine needs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from pipeline.runs.start import RunStart
from pipeline.runs.summary import RunSummary
from pipeline.runs.verdict import Check

SUCCEEDED = "SUCCEEDED"

# What differs each time of the same failure: addresses, ids, temporary names, numbers.
_CHANGING = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|tmp\w+|[-+]?\d+"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFacts(RunStart):
    """How a run ended and why; a message is made of nothing else."""

    pipeline: str
    run_id: str
    outcome: str
    """The word of pipeline.runs.outcome.Outcome, or STARTED, or OVERDUE."""

    node: str | None = None
    """Where it ended, when it did not succeed."""

    reasons: tuple[str, ...] = ()
    """The error's or the verdict's own words."""

    checks: tuple[Check, ...] = ()
    """The verdict's checks."""

    not_judged: tuple[str, ...] = ()
    """What the verdict could not judge, a line each."""

    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Overall metrics of the candidate."""

    drifted: tuple[str, ...] = ()
    """One line for each column that moved and was let through."""

    data: str = ""
    """Which data: span and rows."""

    pushed: str | None = None
    """Folder of the pushed version."""

    ended: float | None = None
    """Seconds since 1970."""

    provider: str = "local"
    """The runner: local or vertex."""

    @classmethod
    def of_summary(cls, summary: RunSummary, ended: float) -> RunFacts:
        """What a summary says; `ended` is in seconds since 1970."""
        return cls(
            pipeline=summary.pipeline,
            run_id=summary.run_id,
            outcome=summary.outcome,
            node=summary.node,
            reasons=summary.reasons,
            checks=summary.checks,
            not_judged=summary.not_judged,
            metrics=summary.overall,
            drifted=summary.drifted,
            data=summary.data,
            pushed=summary.pushed,
            ended=ended,
            provider=summary.provider,
        )

    def since(self, start: RunStart) -> RunFacts:
        """The same with what was known when it began."""
        known = {name: value for name, value in vars(start).items() if value}
        return dataclasses.replace(self, **known)

    @property
    def succeeded(self) -> bool:
        """Whether it went as it should."""
        return self.outcome == SUCCEEDED

    def concerns(self, slices: Sequence[str]) -> bool:
        """Whether one of them failed, or could not be judged in a model's refusal."""
        failed = {check.slice for check in self.checks if not check.passed}
        judged = {check.slice for check in self.checks}
        refused = self.outcome == "NOT_BLESSED"
        return any(s in failed or (refused and s not in judged) for s in slices)

    @property
    def signature(self) -> str:
        """The same for the same failure: the outcome, the node, the first words."""
        if self.outcome == "NOT_BLESSED":
            # The numbers differ from night to night, the broken bounds say what it is.
            broken = [
                f"{check.metric} {check.slice} {check.bound}"
                for check in self.checks
                if not check.passed
            ]
            lines = {str(check) for check in self.checks}
            others = [_steady(line) for line in self.reasons if line not in lines]
            return " | ".join([self.outcome, *broken, *others])
        if self.outcome == "OVERDUE":
            return " | ".join([self.outcome, *self.reasons])  # since the last success
        first = self.reasons[0].strip().splitlines()[:1] if self.reasons else []
        words = _steady(first[0]) if first else ""
        return " | ".join([self.outcome, self.node or "", words])


def _steady(line: str) -> str:
    """The line without what differs each time."""
    return _CHANGING.sub("#", line[:500])
