"""`vertex_runner.py rehearse`: compiles, executes here, reports."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.config import Config
from pipeline.runners import parameters as parameters_lib
from pipeline.runners import vertex
from pipeline.runners.rehearsal import Rehearsal, Task

_STYLES = {"SUCCEEDED": "green", "FAILED": "bold red", "SKIPPED": "dim"}


def run(config: Config, parameters: Sequence[str], fail_at: str | None) -> int:
    """Rehearses the configuration's job; returns 0 when every task succeeded.

    Args:
      config: of the vertex platform, with folders in place of buckets.
      parameters: NAME=VALUE, as at submission.
      fail_at: a task that is to fail.

    Raises:
      UsageError: a bucket, a parameter or a task that is none.
    """
    console = Console()
    now = datetime.datetime.now(datetime.UTC)
    given = parameters_lib.pairs(parameters)
    job = vertex.compile_job(config)
    parameters_lib.checked(job["pipelineSpec"], given, config)
    rehearsal = Rehearsal(
        job,
        f"{config.pipeline_name}-{now:%Y%m%d%H%M%S}",
        given,
        fail_at,
        lambda task: console.print(_line(task), highlight=False),
    )
    tasks = rehearsal.run()
    console.print(_table(tasks))
    failed = [task for task in tasks if task.state == "FAILED"]
    for task in failed:
        console.print(f"{task.name}: see {task.log}", highlight=False, soft_wrap=True)
    return 1 if failed else 0


def _line(task: Task) -> str:
    style = _STYLES.get(task.state, "cyan")
    return f"{task.name:<42} [{style}]{task.state.lower()}[/] {task.seconds:6.1f} s"


def _table(tasks: Sequence[Task]) -> Table:
    table = Table(box=None)
    for column in ("task", "state", "attempts", "read", "wrote"):
        table.add_column(column)
    for task in tasks:
        style = _STYLES.get(task.state, "cyan")
        table.add_row(
            task.name,
            f"[{style}]{task.state.lower()}[/]",
            str(task.attempts or ""),
            escape(_keys(task.inputs)),
            escape(_keys(task.outputs)),
        )
    return table


def _keys(artifacts: dict[str, list[dict[str, object]]]) -> str:
    return ", ".join(key if found else f"no {key}" for key, found in artifacts.items())
