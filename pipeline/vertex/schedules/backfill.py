"""The days on which a schedule should have run and has no job: found, and submitted."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pipeline.config.config import Config
from pipeline.errors import UsageError
from pipeline.gcp import job_history
from pipeline.gcp import jobs as jobs_lib
from pipeline.vertex.job import origin, run_date
from pipeline.vertex.schedules import cron, messages

RUN_DATE = "millrace-run-date"
"""Label of a backfill's job."""

_LOOK_AGAIN_S = 30.0
_FAILED = ("FAILED", "CANCELLED")


@dataclasses.dataclass(frozen=True)
class Day:
    """A day on which the schedule fires."""

    date: datetime.date
    states: tuple[str, ...]
    """States of its jobs, newest first, such as SUCCEEDED."""

    def __str__(self) -> str:
        states = ", ".join(state.lower() for state in self.states)
        return f"{self.date}  {states or 'no job'}"

    def is_missing(self, retry_failed: bool) -> bool:
        """Whether it needs a job."""
        if not self.states:
            return True
        return retry_failed and all(state in _FAILED for state in self.states)


def days(
    config: Config,
    live: Any,
    first: datetime.date,
    last: datetime.date,
    now: datetime.datetime,
) -> list[Day]:
    """The days on which it fires, oldest first, with the jobs that they have.

    Args:
      config: of the vertex platform.
      live: the schedule.
      first: day, in the schedule's zone.
      last: day, included.
      now: what fires later the schedule does itself.

    Raises:
      UsageError: there is no such day.
      CloudError: the service said no.
    """
    when = cron.checked(live.cron)
    until = min(last, when.date_before(now))
    wanted = when.dates(first, until)
    if not wanted:
        raise UsageError(
            f"{live.display_name} has fired on no day from {first} to {last}: "
            f"{when.words}; the newest was {when.date_before(now)}"
        )
    dated = [
        (date_of(job, when), jobs_lib.state_of(job))
        for job in _jobs_since(config, live, when.midnight(first))
    ]
    return [
        Day(day, tuple(state for date, state in dated if date == day)) for day in wanted
    ]


def _jobs_since(config: Config, live: Any, moment: datetime.datetime) -> Iterator[Any]:
    """The schedule's jobs, newest first, with what their dates are read from.

    No job is made before the time that it is for. A list has no task details, so each
    job that does not say its date itself is asked for.
    """
    name = messages.name_of(live)
    for job in job_history.labelled(config, messages.NAME, name, moment):
        if RUN_DATE in job.labels:
            yield job
            continue
        with contextlib.suppress(UsageError):  # deleted since it was listed
            yield jobs_lib.get(config, job.name)


def date_of(job: Any, when: cron.Cron) -> datetime.date:
    """The run date of a schedule's job.

    A backfill's has it as a label. For others the service records it as an input of
    ExampleGen; before that has started, it is the day of the last time before the job
    was made.
    """
    if RUN_DATE in job.labels:
        return datetime.date.fromisoformat(job.labels[RUN_DATE])
    for task in job.job_detail.task_details:
        recorded = task.execution.metadata or {}
        text = recorded.get(f"input:{run_date.NAME}", "")
        if text:
            return run_date.of_text(text, when.zone)
    return when.date_before(job.create_time)


def message(live: Any, day: datetime.date) -> Any:
    """The PipelineJob of that day: the schedule's own, with its date as parameter."""
    job = messages.job_of(live)
    run_date.follow_parameter(job)
    origin.follow_parameter(job)
    given = {
        **messages.parameters_of(live),
        **origin.given(job, f"backfill {messages.name_of(live)} {day}"),
        run_date.NAME: f"{day}",
    }
    return job.message(given, {RUN_DATE: f"{day}"})


def create_request(config: Config, live: Any, day: Day) -> Any:
    """What `submit` sends for the day; its id keeps a day from running twice."""
    again = f"-{len(day.states) + 1}" if day.states else ""
    name = f"{config.pipeline_name}-{messages.name_of(live)}"
    return jobs_lib.create_request(
        config, message(live, day.date), f"{name}-{day.date:%Y%m%d}{again}"
    )


def submit(
    config: Config,
    live: Any,
    missing: Sequence[Day],
    at_once: int | None,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Starts a job for each day, oldest first.

    Args:
      config: of the vertex platform.
      live: the schedule.
      missing: days that need a job.
      at_once: jobs of the schedule that may be under way; None for any number.
      tell: called with a line for each day.
      sleep: called with seconds, before it looks again whether there is room.

    Raises:
      CloudError: the service said no; asked again, it goes on where it stopped.
    """
    mine: set[str] = set()
    for day in missing:
        while at_once is not None and _under_way(config, live, mine) >= at_once:
            sleep(_LOOK_AGAIN_S)
        asked = create_request(config, live, day)
        mine.add(jobs_lib.name_of(config, asked.pipeline_job_id))
        there = (
            "" if jobs_lib.create_unless_there(config, asked) else "  was there already"
        )
        tell(f"{day.date}  {asked.pipeline_job_id}{there}")


def _under_way(config: Config, live: Any, mine: Iterable[str]) -> int:
    """Jobs that have not ended, `mine` also while the list does not show them yet."""
    listed = {
        job.name: jobs_lib.state_of(job)
        for job in job_history.labelled(config, messages.NAME, messages.name_of(live))
    }
    running = [name for name, state in listed.items() if state not in jobs_lib.ENDED]
    return len({*running, *(name for name in mine if name not in listed)})
