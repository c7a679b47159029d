"""The words of a notification; facts in, text out."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a person must know of a run."""

    pipeline: str
    run_id: str
    outcome: str
    """The word of pipeline.outcome.Outcome."""

    node: str | None = None
    """Where it ended, when it did not succeed."""

    reasons: tuple[str, ...] = ()
    """The error's or the verdict's own words."""

    metrics: tuple[tuple[str, float], ...] = ()
    """Overall metrics of the candidate."""

    pushed: str | None = None
    """Folder of the pushed version."""


def text(summary: RunSummary) -> str:
    """The message: what happened in the first line, then why, then the numbers."""
    where = f" at {summary.node}" if summary.node else ""
    lines = [f"{summary.outcome}{where}: {summary.pipeline}, run {summary.run_id}"]
    lines += [f"  {line}" for reason in summary.reasons for line in reason.splitlines()]
    if summary.metrics:
        values = ", ".join(f"{name} {value:.4f}" for name, value in summary.metrics)
        lines.append(f"  metrics: {values}")
    if summary.pushed:
        lines.append(f"  pushed: {summary.pushed}")
    return "\n".join(lines) + "\n"
