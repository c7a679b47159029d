"""Vertex AI's ScheduleService, as its API documents it."""

from __future__ import annotations

import copy
import datetime
import re
import types
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cronsim
from google.cloud.aiplatform_v1.types import schedule, schedule_service
from google.longrunning import operations_pb2

from tests.fakes import filters, server, vertex_jobs
from tests.fakes.server import Method, refuse

State = schedule.Schedule.State

_FIELDS = {
    "display_name",
    "cron",
    "start_time",
    "end_time",
    "max_run_count",
    "max_concurrent_run_count",
    "max_concurrent_active_run_count",
    "allow_queueing",
    "create_pipeline_job_request",
}
_OUTPUT_ONLY = {"name", "state", "create_time", "update_time", "catch_up"}
_FILTERS: filters.Fields = {
    "display_name": (lambda each: each.display_name, filters.WILDCARD),
    "state": (lambda each: each.state.name, filters.EQUALITY),
}
_ORDERS = {
    name: lambda each, name=name: getattr(each, name)
    for name in ("create_time", "start_time", "end_time", "next_run_time")
}


class Schedules:
    """The service.

    Args of the constructor:
      jobs: where firing makes them.
      operations: where deletions end.
      now: the clock.
    """

    name = "google.cloud.aiplatform.v1.ScheduleService"

    def __init__(
        self,
        jobs: vertex_jobs.PipelineJobs,
        operations: server.Operations,
        now: Callable[[], datetime.datetime] | None = None,
    ) -> None:
        self.known: dict[str, Any] = {}
        self._jobs, self._operations = jobs, operations
        self._clock = now or (lambda: datetime.datetime.now(datetime.UTC))
        self._later = datetime.timedelta()
        self._made = 0
        self.meanwhile: list[tuple[str, Callable[[], None]]] = []
        """(method, what happens just before it is answered), once each."""

    def methods(self) -> Mapping[str, Method]:
        """All that the API has."""
        s, whole = schedule_service, schedule.Schedule
        methods = {
            "CreateSchedule": (s.CreateScheduleRequest, whole, self._create),
            "GetSchedule": (s.GetScheduleRequest, whole, self._get),
            "ListSchedules": (
                s.ListSchedulesRequest,
                s.ListSchedulesResponse,
                self._list,
            ),
            "UpdateSchedule": (s.UpdateScheduleRequest, whole, self._update),
            "PauseSchedule": (s.PauseScheduleRequest, server.EMPTY, self._pause),
            "ResumeSchedule": (s.ResumeScheduleRequest, server.EMPTY, self._resume),
            "DeleteSchedule": (
                s.DeleteScheduleRequest,
                operations_pb2.Operation,
                self._delete,
            ),
        }
        return types.MappingProxyType(
            {
                name: Method(request, response, self._after_what_happens(name, answer))
                for name, (request, response, answer) in methods.items()
            }
        )

    def pass_time(self, delta: datetime.timedelta) -> None:
        """Moves the clock on; what is due in between fires."""
        before = self._now()
        self._later += delta
        for name, found in [*self.known.items()]:
            for at in _due(found, before, self._now()):
                if found.state == State.ACTIVE:
                    self.fire(name, at)

    def fire(self, name: str, at: datetime.datetime) -> Any:
        """Starts the run of that time; what the service would do by itself.

        The placeholders of the template stay: the service fills them in per task.
        None: as many are under way as may be; it is skipped, or waits for its turn.
        """
        found = self._found(name)
        assert found.state == State.ACTIVE, found.state.name
        if self._is_full(found):
            said = "QUEUED" if found.allow_queueing else "SKIPPED"
            found.last_scheduled_run_response = schedule.Schedule.RunResponse(
                scheduled_run_time=at, run_response=f"{said}: max concurrent runs"
            )
            return None
        request = copy.deepcopy(found.create_pipeline_job_request)
        number = found.started_run_count + 1
        stem = request.pipeline_job.display_name or "job"
        request.pipeline_job_id = f"{stem}-{at:%Y%m%d%H%M%S}-{number}"
        job = self._jobs.methods()["CreatePipelineJob"].answer(request)
        job.schedule_name = name
        job.create_time = at
        found.started_run_count = number
        found.last_scheduled_run_response = schedule.Schedule.RunResponse(
            scheduled_run_time=at, run_response="OK"
        )
        if found.max_run_count and number >= found.max_run_count:
            found.state = State.COMPLETED
        return job

    def _is_full(self, found: Any) -> bool:
        """max_concurrent_active_run_count: runs in a state that is no last one."""
        under_way = sum(
            job.schedule_name == found.name and not vertex_jobs.has_ended(job)
            for job in self._jobs.jobs.values()
        )
        return 0 < found.max_concurrent_active_run_count <= under_way

    def _now(self) -> datetime.datetime:
        return self._clock() + self._later

    def _after_what_happens(
        self, method: str, answer: Callable[[Any], Any]
    ) -> Callable[[Any], Any]:
        def answered(request: Any) -> Any:
            for each in [m for m in self.meanwhile if m[0] == method]:
                self.meanwhile.remove(each)
                each[1]()
            return answer(request)

        return answered

    def _create(self, request: Any) -> Any:
        if request.parent != server.PARENT:
            refuse("NOT_FOUND", f"Location {request.parent} is not found.")
        made = copy.deepcopy(request.schedule)
        _require_valid(made)
        self._made += 1
        made.name = f"{server.PARENT}/schedules/{7000 + self._made}"
        made.state = State.ACTIVE
        made.create_time = made.update_time = self._now()
        made.started_run_count = 0
        made.catch_up = False
        made.start_time = made.start_time or made.create_time
        if made.end_time and made.end_time <= made.start_time:
            refuse("INVALID_ARGUMENT", "end_time must be after start_time.")
        self._set_next_run(made)
        self.known[made.name] = made
        return made

    def _get(self, request: Any) -> Any:
        return self._found(request.name)

    def _list(self, request: Any) -> Any:
        if request.parent != server.PARENT:
            refuse("NOT_FOUND", f"Location {request.parent} is not found.")
        wanted = filters.matching(request.filter, _FILTERS)
        found = [each for each in self.known.values() if wanted(each)]
        found = filters.ordered(found, request.order_by, _ORDERS)
        page, token = filters.page(found, request)
        return schedule_service.ListSchedulesResponse(
            schedules=page, next_page_token=token
        )

    def _update(self, request: Any) -> Any:
        found = self._found(request.schedule.name)
        if found.state == State.COMPLETED:
            refuse("FAILED_PRECONDITION", "A completed schedule cannot be updated.")
        paths = list(request.update_mask.paths)
        if not paths:
            refuse("INVALID_ARGUMENT", "update_mask is required.")
        changed = copy.deepcopy(found)
        for path in paths:
            _take(changed, request.schedule, path)
        _require_valid(changed)
        changed.update_time = self._now()
        self._set_next_run(changed)
        self.known[found.name] = changed
        return changed

    def _pause(self, request: Any) -> Any:
        found = self._found(request.name)
        if found.state != State.ACTIVE:
            refuse("FAILED_PRECONDITION", "Only active schedules can be paused.")
        found.state = State.PAUSED
        found.last_pause_time = self._now()
        return server.EMPTY()

    def _resume(self, request: Any) -> Any:
        found = self._found(request.name)
        if found.state != State.PAUSED:
            refuse("FAILED_PRECONDITION", "Only paused schedules can be resumed.")
        found.state = State.ACTIVE
        found.catch_up = request.catch_up
        found.last_resume_time = self._now()
        return server.EMPTY()

    def _delete(self, request: Any) -> Any:
        name = self._found(request.name).name
        return self._operations.started(
            server.EMPTY(), lambda: self.known.pop(name, None)
        )

    def _found(self, name: str) -> Any:
        if name not in self.known:
            refuse("NOT_FOUND", f"The Schedule {name} does not exist.")
        return self.known[name]

    def _set_next_run(self, made: Any) -> None:
        zone, cron = _parts(made.cron)
        after = max(self._now(), made.start_time)
        made.next_run_time = next(cronsim.CronSim(cron, after.astimezone(zone)))


def _due(
    found: Any, after: datetime.datetime, until: datetime.datetime
) -> Iterator[datetime.datetime]:
    zone, cron = _parts(found.cron)
    after = max(after, found.start_time)
    for at in cronsim.CronSim(cron, after.astimezone(zone)):
        utc = at.astimezone(datetime.UTC)
        if utc > until or (found.end_time and utc > found.end_time):
            return
        yield utc


def _parts(text: str) -> tuple[Any, str]:
    prefix = re.fullmatch(r"(?:CRON_)?TZ=(\S+) (.*)", text)
    zone, cron = prefix.groups() if prefix else ("UTC", text)
    try:
        return zoneinfo.ZoneInfo(zone), cron
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return refuse("INVALID_ARGUMENT", f"Invalid time zone: {zone}."), cron


def _require_valid(made: Any) -> None:
    zone, cron = _parts(made.cron)
    try:
        if len(cron.split()) != 5:
            raise cronsim.CronSimError
        next(cronsim.CronSim(cron, datetime.datetime.now(zone)))
    except (cronsim.CronSimError, StopIteration):
        refuse("INVALID_ARGUMENT", f"Invalid cron expression: {made.cron}.")
    if not made.display_name or len(made.display_name) > 128:
        refuse("INVALID_ARGUMENT", "display_name is required, up to 128 characters.")
    if made.max_concurrent_run_count < 1:
        refuse("INVALID_ARGUMENT", "max_concurrent_run_count must be positive.")
    if made.max_concurrent_active_run_count < 0:
        refuse("INVALID_ARGUMENT", "max_concurrent_active_run_count must be positive.")
    if made.max_run_count < 0:
        refuse("INVALID_ARGUMENT", "max_run_count must be positive.")
    request = made.create_pipeline_job_request
    if request.parent != server.PARENT:
        refuse("INVALID_ARGUMENT", "create_pipeline_job_request.parent is required.")
    for problem in vertex_jobs.problems(request.pipeline_job):
        refuse("INVALID_ARGUMENT", problem)


def _take(into: Any, given: Any, path: str) -> None:
    """One path of an update mask."""
    if path in _OUTPUT_ONLY:
        return  # "The output_only fields will be ignored if specified."
    if path not in _FIELDS:
        refuse("INVALID_ARGUMENT", f"Invalid field path in update_mask: {path}.")
    value = getattr(given, path)
    if not value and not isinstance(value, bool):
        refuse("INVALID_ARGUMENT", f"The non-empty field {path} cannot be unset.")
    setattr(into, path, copy.deepcopy(value))
