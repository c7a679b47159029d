"""Schedules as a person or a program reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from pipeline.errors import ConfigError
from pipeline.vertex.schedules import cron as cron_lib
from pipeline.vertex.schedules import messages, service
from pipeline.vertex.schedules.plans import Step

_STYLES = {"active": "green", "paused": "yellow", "completed": "dim"}


def facts(live: Any) -> dict[str, Any]:
    """All that is known of a live schedule, as plain values."""
    last = live.last_scheduled_run_response
    return {
        "name": live.display_name,
        "number": service.number_of(live),
        "resource": live.name,
        "pipeline": messages.template_of(live).labels.get(messages.PIPELINE),
        "state": service.state_of(live),
        "cron": live.cron,
        "words": _words(live.cron),
        "start": _time(live.start_time),
        "end": _time(live.end_time),
        "next_run": _time(live.next_run_time),
        "last_run": _time(last.scheduled_run_time),
        "last_answer": last.run_response or None,
        "runs_started": live.started_run_count,
        "max_runs": live.max_run_count or None,
        "max_concurrent": messages.at_once(live),
        "max_concurrent_starts": live.max_concurrent_run_count,
        "allow_queueing": live.allow_queueing,
        "catch_up": live.catch_up,
        "service_account": messages.template_of(live).service_account or None,
        "parameters": messages.parameters_of(live),
        "changed_by_hand": messages.drift(live),
    }


def table(known: Sequence[Any]) -> Table:
    """A row for each schedule."""
    shown = Table(box=None)
    for column in ("name", "number", "pipeline", "state", "runs", "when"):
        shown.add_column(column, overflow="fold")
    shown.add_column("next run (UTC)", no_wrap=True)
    for live in known:
        row = facts(live)
        state, limit = row["state"], row["max_runs"]
        coming = row["next_run"] if state == "active" else None
        shown.add_row(
            escape(row["name"]),
            row["number"],
            row["pipeline"] or "?",
            f"[{_STYLES.get(state, 'red')}]{state}[/]",
            f"{row['runs_started']} of {limit}" if limit else str(row["runs_started"]),
            escape(row["words"]),
            coming[:16].replace("T", " ") if coming else "",
        )
    return shown


def lines(live: Any) -> list[str]:
    """A line for each fact that is one."""
    return [
        f"{name.replace('_', ' '):<16} {_said(value)}"
        for name, value in facts(live).items()
        if value not in (None, [], {})
    ]


def step_lines(step: Step, preview: Sequence[str]) -> list[str]:
    """A step of a plan, with what its schedule will do.

    Args:
      step: of plans.plan.
      preview: lines of previews.
    """
    head = f"{' + '.join(step.actions) or 'no-op':<16} {step.name}"
    shown = [f"{head}: {step.why}" if step.why else head]
    shown += [f"    {change}" for change in step.changes]
    return [*shown, *(f"    {line}" for line in preview)]


def step_facts(step: Step, preview: Sequence[str]) -> dict[str, object]:
    """A step of a plan as plain values."""
    return {
        "name": step.name,
        "actions": [*step.actions],
        "why": step.why or None,
        "number": service.number_of(step.live) if step.live else None,
        "changes": [
            {"field": change.field, "text": str(change), "drift": change.by_hand}
            for change in step.changes
        ],
        "preview": [*preview],
    }


def _words(cron: str) -> str:
    try:
        return cron_lib.checked(cron).words
    except ConfigError:  # of another hand: the service takes what we do not
        return cron


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _time(moment: Any) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
