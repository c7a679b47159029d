"""`vertex_runner.py rehearse`: compiles, executes here, reports."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from rich.console import Console

from pipeline.config.config import Config
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job import parameters as parameters_lib
from pipeline.vertex.rehearsal import account, containers, redirection
from pipeline.vertex.rehearsal.containers import Containers
from pipeline.vertex.rehearsal.run import Rehearsal


def run(config: Config, parameters: Sequence[str], fail_at: str | None) -> int:
    """Rehearses the configuration's job; returns 0 when every task succeeded.

    Args:
      config: of the vertex platform, with folders in place of buckets.
      parameters: NAME=VALUE, as at submission.
      fail_at: a task that is to fail.

    Raises:
      UsageError: a bucket, a parameter or a task that is none, or an image that
        cannot be laid out.
    """
    console = Console(highlight=False)
    now = datetime.datetime.now(datetime.UTC)
    given = parameters_lib.pairs(parameters)
    job = vertex.compile_job(redirection.kept_here(config))
    parameters_lib.checked(job, given, config)
    with containers.of_image() as image:
        rehearsal = Rehearsal(
            job,
            f"{config.pipeline_name}-{now:%Y%m%d%H%M%S}",
            given,
            Containers(
                image=image,
                buckets=redirection.written(config),
                data=redirection.read(config),
            ),
            fail_at,
            lambda task: console.print(account.line(task)),
        )
        _say((*redirection.notes(config), *containers.missing_walls()))
        tasks = rehearsal.run()
    for line in account.of(tasks, rehearsal.folder):
        console.print(line, soft_wrap=True)
    failed = [task for task in tasks if task.state == "FAILED"]
    for task in failed:
        console.print(f"{task.name}: see {task.log}", soft_wrap=True)
    return 1 if failed else 0


def _say(notes: Iterable[str]) -> None:
    told = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for note in notes:
        told.print(f"note: {note}")
