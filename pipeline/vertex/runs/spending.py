"""What a job on Vertex took: seconds, machine-hours and money of each task."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from pipeline.config.vertex import Resources, VertexConfig
from pipeline.reports import cost
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import progress


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of the job."""

    name: str
    state: str
    """In our words, such as cached."""

    seconds: float | None
    """From its start to its end, or to now; None when it has not started."""

    hours: float | None
    """That it held a machine; None of what the service does itself: a resolver."""

    amount: float | None
    error: str


@dataclasses.dataclass(frozen=True)
class Bill:
    """A whole job."""

    run: str
    tasks: tuple[Task, ...]
    seconds: float | None
    hours: float
    """Machine-hours of all machines together."""

    amount: float | None
    """With the fee of the run; None without prices."""

    currency: str
    no_amount: str
    """Why there is no amount although there are prices."""


def of_job(job: Any, vertex: VertexConfig, now: datetime.datetime) -> Bill:
    """What it took until now, by the machines that it asked for itself.

    Args:
      job: PipelineJob with its spec and its task details.
      vertex: prices.
      now: the end of what still runs.
    """
    shown = progress.tasks(job)
    took = {task.task_name: seconds_of(task, now) for task in shown}
    machines = machines_of(job)
    held = {
        task.task_name: _held(task, took[task.task_name])
        for task in shown
        if machines is None or task.task_name in machines
    }
    amounts, total, why = _amounts(held, machines or {}, vertex)
    return Bill(
        run=job.name.rsplit("/", 1)[-1],
        tasks=tuple(
            Task(
                task.task_name,
                progress.state_of(task),
                took[task.task_name],
                _hours(held.get(task.task_name)),
                amounts.get(task.task_name),
                task.error.message,
            )
            for task in shown
        ),
        seconds=seconds_of(job, now),
        hours=sum(held.values()) / 3600,
        amount=total,
        currency=vertex.prices.currency if vertex.prices else "",
        no_amount=why,
    )


def seconds_of(timed: Any, now: datetime.datetime) -> float | None:
    """Of a job or a task that was started; until now when it has no end."""
    if not timed.start_time:
        return None
    return ((timed.end_time or now) - timed.start_time).total_seconds()


def _held(task: Any, seconds: float | None) -> float:
    """What came from the cache had no machine, however long that was looked up."""
    return 0.0 if progress.state_of(task) == "cached" else seconds or 0.0


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


def machines_of(job: Any) -> dict[str, Resources] | None:
    """Task -> its machine as the job has it; None when the job does not say."""
    compiled = Job.of_message(job)
    if not compiled.is_compiled:
        return None
    return {
        name: container.resources or Resources()
        for name, container in compiled.containers.items()
    }


def _amounts(
    held: Mapping[str, float], machines: Mapping[str, Resources], vertex: VertexConfig
) -> tuple[dict[str, float], float | None, str]:
    """Each task's, the sum, and why there is none."""
    if vertex.prices is None:
        return {}, None, ""
    asked = vertex.model_copy(update={"resources": machines})
    try:
        tasks, total = cost.of_run(held, asked)
    except ValueError as error:
        return {}, None, str(error)
    return {name: each.amount for name, each in tasks.items()}, total.amount, ""
