"""Who or what started a job on Vertex: a parameter of the job, like its run date.

A compiled job says nothing of it, for the same configuration gives the same bytes. Each
submission fills it in; a schedule's template holds the schedule's name. It goes to the
Notifier and to the exit handler, one of which runs however the job ends, and a
parameter of a task stays in Vertex ML Metadata. Neither is ever cached.
"""

from __future__ import annotations

import json

from pipeline import recorded
from pipeline.code import version
from pipeline.nodes import EXIT_HANDLER, NOTIFIER
from pipeline.vertex.job.job import Job, JobTask
from pipeline.vertex.job.parameters import ORIGIN


def declare(job: Job) -> None:
    """Gives the compiled job its parameter: optional, empty, JSON."""
    job.declare(ORIGIN, NOTIFIER, EXIT_HANDLER)


def follow_schedule(job: Job, schedule: str) -> None:
    """Makes it, in a schedule's template, the schedule's name; who, it cannot know.

    A job that was compiled long ago is left as it is.
    """
    words = json.dumps({recorded.RunKey.TRIGGER: f"schedule {schedule}"})
    for task in _takers(job):
        task.set_constant(ORIGIN, words)


def follow_parameter(job: Job) -> None:
    """Takes it from the parameter again, as compiled: whoever submits says it."""
    for task in _takers(job):
        task.take(ORIGIN)


def given(job: Job, trigger: str) -> dict[str, str]:
    """The parameter of a job that is submitted here and now; {} if it takes none.

    Args:
      job: one that was compiled long ago declares no origin.
      trigger: as `recorded.RunKey.TRIGGER` has it.
    """
    if ORIGIN not in job.root.parameters:
        return {}
    return {ORIGIN: json.dumps(version.origin(trigger))}


def _takers(job: Job) -> list[JobTask]:
    if ORIGIN not in job.root.parameters:
        return []
    return [job.all_tasks[name] for name in (NOTIFIER, EXIT_HANDLER)]
