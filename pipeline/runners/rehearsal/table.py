"""What a terminal shows of a rehearsal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from pipeline import recorded
from pipeline.runners.rehearsal.outputs import Artifact
from pipeline.runners.rehearsal.task import Task

_STYLES = {"SUCCEEDED": "green", "FAILED": "bold red", "SKIPPED": "dim"}


def line(task: Task) -> str:
    """A task that has ended."""
    return f"{task.name:<42} {_state(task)} {task.seconds:6.1f} s"


def of(tasks: Sequence[Task], folder: Path) -> Table:
    """All tasks, and what each read and wrote.

    Args:
      tasks: of the rehearsal.
      folder: of its run; paths are shown from there on.
    """
    table = Table(box=None, title=f"in {escape(str(folder))}", title_justify="left")
    for column in ("task", "state", "tries"):
        table.add_column(column)
    for column in ("read", "wrote"):
        table.add_column(column, overflow="fold")
    for task in tasks:
        table.add_row(
            task.name,
            _state(task),
            str(task.attempts or ""),
            "\n".join(_read(task, folder)),
            "\n".join(_wrote(task, folder)),
        )
    return table


def _state(task: Task) -> str:
    return f"[{_STYLES.get(task.state, 'cyan')}]{task.state.lower()}[/]"


def _read(task: Task, folder: Path) -> Iterator[str]:
    for key, found in task.inputs.items():
        yield from [_path(artifact, folder) for artifact in found] or [_none(key)]


def _wrote(task: Task, folder: Path) -> Iterator[str]:
    for key, found in task.outputs.items():
        yield from [_path(each, folder) + _rows(each) for each in found] or [_none(key)]


def _rows(artifact: Artifact) -> str:
    rows = artifact["metadata"].get(recorded.Data.ROWS_WRITTEN)
    return "" if rows is None else f" ({int(rows):,} rows)"


def _none(key: str) -> str:
    return f"[dim]no {escape(key)}[/]"


def _path(artifact: Artifact, folder: Path) -> str:
    return escape(os.path.relpath(artifact["uri"], folder))
