"""A job's run date: the day that it works for, which is not always the day it runs.

Every compiled job takes a parameter `run_date`; it is an input of ExampleGen, so that
two dates never share a cache entry, and the data's span follows from it: the newest
that is not after the date. All runs of a schedule have the same parameters; there the
service fills in the time that a run was scheduled for, and the schedule's zone says
which day that is.
"""

from __future__ import annotations

import datetime
import json
import zoneinfo

from pipeline.nodes import EXAMPLE_GEN
from pipeline.vertex.job.job import Job

NAME = "run_date"
SCHEDULE_TIME = "{{$.pipeline_job_schedule_time_utc}}"
"""What the service replaces (kfp.dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER)."""

_FLAG = "--run_date_zone"
_EPOCH = datetime.date(1970, 1, 1)


def declare(job: Job) -> None:
    """Gives the compiled job its parameter: optional, empty, YYYY-MM-DD."""
    job.declare(NAME, EXAMPLE_GEN)
    _set_zone(job, "UTC")


def follow_schedule(job: Job, zone: str) -> None:
    """Makes it, in a schedule's template, the date that each run is scheduled for.

    Args:
      job: a compiled one.
      zone: IANA's name; a run at 23:30 UTC is in Berlin one of the next day.
    """
    stay(job, SCHEDULE_TIME)
    _set_zone(job, zone)


def follow_parameter(job: Job) -> None:
    """Takes it from the parameter again, as compiled: a backfill's jobs say theirs."""
    job.tasks[EXAMPLE_GEN].take(NAME)


def stay(job: Job, text: str) -> None:
    """Makes it what it was in an earlier run, so that its entry in the cache is found.

    Args:
      job: of that run.
      text: as ExampleGen had it.
    """
    job.tasks[EXAMPLE_GEN].set_constant(NAME, text)


def of_text(text: str, zone: str) -> datetime.date:
    """The date of YYYY-MM-DD, or of a time with its offset.

    Raises:
      ValueError: it is neither.
    """
    try:
        if len(text) == len("YYYY-MM-DD"):
            return datetime.date.fromisoformat(text)
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is neither YYYY-MM-DD nor a time such as 2026-11-01T05:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).date()


def put_in(invocation: str, zone: str | None) -> str:
    """The task's invocation with its newest span bounded by the run date.

    Args:
      invocation: JSON of ExecutorInput, as the service fills in {{$}}.
      zone: of the schedule; None for a task that takes no run date.

    Raises:
      ValueError: the run date is none.
    """
    value = json.loads(invocation)
    given = value.get("inputs", {}).get("parameterValues", {})
    text = given.pop(NAME, "")
    if zone is None or text == "":
        return json.dumps(value)
    try:
        day = of_text(text, zone)
    except ValueError as error:
        raise ValueError(f"{NAME}: {error}") from None
    if "rolling_range" in json.loads(given.get("range_config") or "{}"):
        newest = {"start_span_number": 0, "end_span_number": (day - _EPOCH).days}
        given["range_config"] = json.dumps({"static_range": newest})
    return json.dumps(value)


def _set_zone(job: Job, zone: str) -> None:
    container = job.tasks[EXAMPLE_GEN].container
    assert container, "ExampleGen starts no container any more"
    for step in container.steps:
        step.set_flag(_FLAG, zone)
