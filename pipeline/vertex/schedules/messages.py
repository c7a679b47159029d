"""A wanted schedule -> the message that makes it, and what of a live one differs.

The service keeps no labels of a schedule, only those of the jobs that it starts. There
lies, in the template, a digest of each field as it was last applied: a field that has
another value now was changed by somebody else, such as in the console.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.config.config import Config
from pipeline.gcp import schedules
from pipeline.vertex.job import job_digest, origin, parameters, run_date
from pipeline.vertex.job.job import Job
from pipeline.vertex.schedules.definition import Schedule

PIPELINE, NAME = "millrace-pipeline", "millrace-schedule"
"""Labels of the jobs of a schedule, and of its backfills."""

_APPLIED = "millrace-applied"
_REQUEST = "create_pipeline_job_request"


@dataclasses.dataclass(frozen=True)
class _Field:
    """One thing that a schedule says."""

    path: str
    """The field's path in the update mask."""

    value: Callable[[Any], Any]
    """What it is in a message, as plain JSON; None when it is not said."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A field in which a live schedule is not as it is wanted."""

    field: str
    path: str
    live: Any
    wanted: Any
    by_hand: bool
    """Whether somebody changed the live one since it was last applied."""

    @property
    def is_possible(self) -> bool:
        """The service lets nobody unset what was said once."""
        return self.wanted is not None

    def __str__(self) -> str:
        hand = "  (drift: changed by hand since it was applied)" if self.by_hand else ""
        if self.field == "job":
            return f"job: {_of_jobs(Job(self.live), Job(self.wanted))}{hand}"
        return f"{self.field}: {_shown(self.live)} -> {_shown(self.wanted)}{hand}"


def message(config: Config, job: Job, wanted: Schedule) -> Any:
    """The aiplatform_v1.Schedule; nothing is sent.

    Args:
      config: of the vertex platform.
      job: of vertex.job.compile.compile_job.
      wanted: the schedule.

    Raises:
      UsageError: a parameter that the job has not, or of the wrong type.
    """
    parameters.checked(job, wanted.texts, config)
    template = Job.from_dict(job.to_dict())
    run_date.follow_schedule(template, wanted.when.zone)
    origin.follow_schedule(template, wanted.name)
    labels = {PIPELINE: config.pipeline_name, NAME: wanted.name}
    schedule = schedules.message(
        config,
        template.message(wanted.texts, labels),
        display_name=wanted.name,
        cron=wanted.when.vertex,
        # The first limits how many are started at a time, only the second how many run.
        max_concurrent_run_count=wanted.max_concurrent,
        max_concurrent_active_run_count=wanted.max_concurrent,
        allow_queueing=wanted.allow_queueing,
    )
    if wanted.max_runs:
        schedule.max_run_count = wanted.max_runs
    for field in ("start", "end"):
        moment = wanted.moment(field)
        if moment:
            setattr(schedule, f"{field}_time", moment)
    return _stamped(schedule)


def held_until(schedule: Any, moment: datetime.datetime) -> Any:
    """The same, and nothing starts before the moment."""
    held = type(schedule)(schedule)
    if not held.start_time or held.start_time < moment:
        held.start_time = moment
    return _stamped(held)


def _stamped(schedule: Any) -> Any:
    template_of(schedule).labels[_APPLIED] = "".join(_digests(schedule).values())
    return schedule


def template_of(schedule: Any) -> Any:
    """The PipelineJob that each of its runs is made of."""
    return schedule.create_pipeline_job_request.pipeline_job


def name_of(schedule: Any) -> str:
    """The name that it was made with; empty for one of another tool."""
    return template_of(schedule).labels.get(NAME, "")


def at_once(schedule: Any) -> int | None:
    """How many of its runs may be under way; None for any number."""
    return schedule.max_concurrent_active_run_count or None


def belongs_to(schedule: Any, pipeline: str) -> bool:
    """Whether it was made here, for this pipeline."""
    of = template_of(schedule).labels.get(PIPELINE)
    return of == pipeline and bool(name_of(schedule))


def job_of(schedule: Any) -> Job:
    """What makes the job of a run, without the parameters."""
    job = Job.of_message(template_of(schedule))
    job.labels.pop(_APPLIED, None)
    return job


def parameters_of(schedule: Any) -> dict[str, object]:
    """The values that all its runs are given."""
    values = template_of(schedule).runtime_config.parameter_values
    return dict(sorted(values.items()))


def changes(live: Any, wanted: Any) -> list[Change]:
    """The fields in which the live message is not as the wanted one.

    A start that is not wanted is none: the service puts the time of creation there.
    """
    applied = _applied(live)
    return [
        Change(name, field.path, before, after, _is_by_hand(applied, name, before))
        for name, field in _FIELDS.items()
        for before, after in [(field.value(live), field.value(wanted))]
        if before != after and not (name == "start" and after is None)
    ]


def _is_by_hand(applied: Mapping[str, str], name: str, value: Any) -> bool:
    """Of what an older Millrace applied, or another tool made, nobody knows."""
    return name in applied and applied[name] != _digest(value)


def drift(live: Any) -> list[str]:
    """The fields that somebody changed since they were applied; none if never."""
    applied = _applied(live)
    return [name for name in applied if applied[name] != _digests(live)[name]]


def _start_of(schedule: Any) -> str | None:
    """None also for the time of creation, which is where the service lets it begin."""
    start, created = schedule.start_time, schedule.create_time
    return None if start == created else _time(start)


def _time(moment: Any) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


_FIELDS = {
    "name": _Field("display_name", lambda s: s.display_name),
    "cron": _Field("cron", lambda s: s.cron),
    "start": _Field("start_time", _start_of),
    "end": _Field("end_time", lambda s: _time(s.end_time)),
    "max_runs": _Field("max_run_count", lambda s: s.max_run_count or None),
    "max_concurrent": _Field(
        "max_concurrent_active_run_count",
        lambda s: s.max_concurrent_active_run_count or None,
    ),
    "max_concurrent_starts": _Field(
        "max_concurrent_run_count", lambda s: s.max_concurrent_run_count
    ),
    "allow_queueing": _Field("allow_queueing", lambda s: s.allow_queueing),
    "parameters": _Field(_REQUEST, parameters_of),
    "job": _Field(_REQUEST, lambda s: job_of(s).to_dict()),
}

# A label's value holds 63 characters.
_LENGTH = 63 // len(_FIELDS)


def _digests(schedule: Any) -> dict[str, str]:
    return {name: _digest(field.value(schedule)) for name, field in _FIELDS.items()}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _applied(live: Any) -> dict[str, str]:
    """Field -> its digest when it was last applied; empty if that was not by us."""
    text = template_of(live).labels.get(_APPLIED, "")
    if len(text) != _LENGTH * len(_FIELDS):
        return {}
    parts = [text[at : at + _LENGTH] for at in range(0, len(text), _LENGTH)]
    return dict(zip(_FIELDS, parts, strict=True))


def _of_jobs(live: Job, wanted: Job) -> str:
    """Which compiled job it is, and in what they differ beside its digest."""
    before, after = (
        {**job.to_dict(), "labels": {**job.labels, job_digest.LABEL: ""}}
        for job in (live, wanted)
    )
    names = sorted({*before, *after})
    differ = ", ".join(n for n in names if before.get(n) != after.get(n))
    one, other = (job.labels.get(job_digest.LABEL, "?")[:12] for job in (live, wanted))
    return f"another {differ}" if one == other else f"{one} -> {other} ({differ})"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items()) or "none"
    return json.dumps(value) if isinstance(value, bool) else str(value or "none")
