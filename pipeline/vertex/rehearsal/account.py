"""What a terminal shows of a rehearsal: lines, for paths are too long for a table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.markup import escape

from pipeline import files, recorded
from pipeline.vertex.rehearsal.outputs import Artifact, Artifacts
from pipeline.vertex.rehearsal.task import Task

_STYLES = {"SUCCEEDED": "green", "FAILED": "bold red", "SKIPPED": "dim"}


def line(task: Task) -> str:
    """A task that has ended."""
    return f"{task.name:<42} {_state(task)} {task.seconds:6.1f} s"


def of(tasks: Sequence[Task], folder: Path) -> Iterator[str]:
    """What each task read and wrote, in the order in which they ended.

    Args:
      tasks: of the rehearsal.
      folder: of its run; paths are shown from there on.
    """
    yield f"in {escape(str(folder))}"
    for task in sorted(tasks, key=lambda each: (each.ended == 0, each.ended)):
        tries = f" at try {task.attempts}" if task.attempts > 1 else ""
        yield f"{escape(task.name)} {_state(task)}{tries}"
        for artifact in _each(task.inputs):
            yield f"  read  {_path(artifact, folder)}"
        for artifact in _each(task.outputs):
            yield f"  wrote {_path(artifact, folder)}{_rows(artifact)}"


def _state(task: Task) -> str:
    return f"[{_STYLES.get(task.state, 'cyan')}]{task.state.lower()}[/]"


def _each(artifacts: Artifacts) -> Iterator[Artifact | str]:
    """Or the key of which there was none."""
    for key, found in artifacts.items():
        yield from found
        if not found:
            yield key


def _path(artifact: Artifact | str, folder: Path) -> str:
    if isinstance(artifact, str):
        return f"[dim]no {escape(artifact)}[/]"
    return escape(os.path.relpath(files.folder(artifact.uri), folder))


def _rows(artifact: Artifact | str) -> str:
    if isinstance(artifact, str):
        return ""
    rows = artifact.metadata.get(recorded.Data.ROWS_WRITTEN)
    return "" if rows is None else f" ({int(rows):,} rows)"
