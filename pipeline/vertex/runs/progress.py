"""What a terminal shows of a job on Vertex: each task, live or as lines."""

from __future__ import annotations

import datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from pipeline.nodes import TFX_DAG

STYLES = {
    "pending": "dim",
    "running": "bold yellow",
    "succeeded": "green",
    "cached": "cyan",
    "not triggered": "dim",
    "failed": "bold red",
    "cancelled": "bold red",
}
# The whole graph is a task, too, and says nothing that its tasks do not.


class Progress:
    """The tasks of a job; a table that changes on a terminal, lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, str] = {}
        self._live = Live(console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, job: Any) -> None:
        """The job as it is now."""
        if self._console.is_terminal:
            self._live.update(table(job))
            return
        for task in tasks(job):
            state = state_of(task)
            if self._shown.get(task.task_name) != state:
                self._shown[task.task_name] = state
                self._console.print(_line(task), highlight=False)


def tasks(job: Any) -> list[Any]:
    """Its tasks without the one that holds them all, in the order they started."""
    found = [t for t in job.job_detail.task_details if t.task_name != TFX_DAG]
    late = datetime.datetime.max.replace(tzinfo=datetime.UTC)
    return sorted(found, key=lambda task: task.start_time or task.end_time or late)


def state_of(task: Any) -> str:
    """In our words: what Vertex calls skipped was taken from the cache."""
    name = task.state.name.lower().replace("_", " ")
    return {"skipped": "cached", "state unspecified": "pending"}.get(name, name)


def styled(state: str) -> str:
    """The state in its colour."""
    style = STYLES.get(state, "")
    return f"[{style}]{state}[/]" if style else state


def table(job: Any) -> Table:
    """State and seconds of each task."""
    shown = Table(box=None)
    shown.add_column("task")
    shown.add_column("state")
    shown.add_column("seconds", justify="right")
    shown.add_column("error", overflow="fold")
    for task in tasks(job):
        state = state_of(task)
        words = task.error.message if state == "failed" else ""
        shown.add_row(
            task.task_name,
            styled(state),
            _seconds(task),
            escape(words),
        )
    return shown


def _line(task: Any) -> str:
    seconds = _seconds(task)
    return f"{task.task_name:<28}{state_of(task)}" + (
        f"  {seconds} s" if seconds else ""
    )


def _seconds(task: Any) -> str:
    if not (task.start_time and task.end_time):
        return ""
    return f"{(task.end_time - task.start_time).total_seconds():.0f}"
