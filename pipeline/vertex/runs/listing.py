"""Runs on Vertex AI as rows: JSON for machines, a table for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from pipeline.gcp import job_status, jobs


def rows(found: Iterable[Any]) -> list[dict[str, object]]:
    """Run, pipeline, state, times (RFC 3339, null when not yet) and link of each."""
    return [
        {
            "run": job.name.rsplit("/", 1)[-1],
            "pipeline": job.display_name,
            "state": jobs.state_of(job),
            "created": _time(job.create_time),
            "started": _time(job.start_time),
            "ended": _time(job.end_time),
            "schedule": job.schedule_name or None,
            "link": job_status.console_link(job.name),
        }
        for job in found
    ]


def table(found: Iterable[Any]) -> Table:
    """The runs for people, without what the console shows better."""
    shown = Table(box=None)
    for column in ("run", "state", "created (UTC)", "minutes"):
        shown.add_column(column, justify="right" if column == "minutes" else "left")
    for job in found:
        shown.add_row(
            job.name.rsplit("/", 1)[-1],
            jobs.state_of(job).lower(),
            f"{job.create_time:%Y-%m-%d %H:%M}" if job.create_time else "",
            _minutes(job),
        )
    return shown


def _time(value: Any) -> str | None:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


def _minutes(job: Any) -> str:
    if not (job.start_time and job.end_time):
        return ""
    return f"{(job.end_time - job.start_time).total_seconds() / 60:.0f}"
