"""What a person must know of a run, and nothing that only a machine needs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from pipeline.runs.start import RunStart
from pipeline.runs.summary import RunSummary
from pipeline.runs.verdict import Check

SUCCEEDED = "SUCCEEDED"

# What differs each time of the same failure: addresses, ids, temporary names, numbers.
_CHANGING = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|tmp\w+|\d+"
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

    @property
    def failed_slices(self) -> frozenset[str]:
        """Slices with a bound that does not hold."""
        return frozenset(c.slice for c in self.checks if not c.passed)

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
            return " | ".join([self.outcome, *broken])
        if self.outcome == "OVERDUE":
            return " | ".join([self.outcome, *self.reasons])  # since the last success
        first = self.reasons[0].strip().splitlines()[:1] if self.reasons else []
        words = _CHANGING.sub("#", first[0][:500]) if first else ""
        return " | ".join([self.outcome, self.node or "", words])
