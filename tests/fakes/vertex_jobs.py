"""Vertex AI's PipelineService: jobs with the documented states, advanced by a test."""

from __future__ import annotations

import datetime
import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.cloud.aiplatform_v1.types import pipeline_job, pipeline_service
from google.longrunning import operations_pb2
from google.protobuf import json_format
from google.rpc import status_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.fakes import filters, server

Job = pipeline_job.PipelineJob
Task = pipeline_job.PipelineTaskDetail

# "Less than 128 characters", says the proto; a letter first, says Google's SDK.
_ID = re.compile(r"[a-z][a-z0-9-]{0,126}")
_ACCOUNT = re.compile(r"[^@\s]+@[^@\s]+\.gserviceaccount\.com")
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
_FOLLOWS = {
    "PENDING": ("RUNNING", "CANCELLING", "FAILED"),
    "RUNNING": ("SUCCEEDED", "FAILED", "CANCELLING"),
    "CANCELLING": ("CANCELLED", "FAILED"),
}
_KINDS = {"STRING": str, "NUMBER_INTEGER": float, "NUMBER_DOUBLE": float}
_KINDS |= {"BOOLEAN": bool}


def _time(field: str) -> Callable[[Job], str]:
    def value(job: Job) -> str:
        seen = getattr(job, field)
        return seen.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if seen else ""

    return value


_TIMES = {f"{n}_time": _time(f"{n}_time") for n in ("create", "update", "end")}
_FIELDS: filters.Fields = {
    "pipeline_name": (
        lambda job: job.pipeline_spec["pipelineInfo"]["name"],
        filters.EQUALITY,
    ),
    "display_name": (lambda job: job.display_name, filters.WILDCARD),
    "pipeline_job_user_id": (
        lambda job: job.name.rsplit("/", 1)[-1],
        filters.WILDCARD,
    ),
    "state": (lambda job: job.state.name, filters.EQUALITY),
    "labels": (lambda job: dict(job.labels), filters.EQUALITY),
    **{name: (value, filters.ORDERED) for name, value in _TIMES.items()},
}


class PipelineJobs:
    """The service.

    Args of the constructor:
      operations: where deletions go.
      parents: locations of projects that exist.
      start: of its clock.
    """

    name = "google.cloud.aiplatform.v1.PipelineService"

    def __init__(
        self,
        operations: server.Operations | None = None,
        parents: tuple[str, ...] = (server.PARENT,),
        start: datetime.datetime = datetime.datetime(
            2026, 3, 2, 2, tzinfo=datetime.UTC
        ),
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.script: list[Callable[[], None]] = []
        """What happens meanwhile: one step before each answer to Get."""

        self.lose_answers = 0
        """How many jobs are created with an answer that does not arrive."""

        self.list_lag = 0
        """How many lists do not show yet what was created."""

        self._unlisted: dict[str, int] = {}
        self._operations = operations or server.Operations()
        self._parents = parents
        self._clock = start

    def methods(self) -> Mapping[str, server.Method]:
        """Create, Get, List, Cancel and Delete."""
        service = pipeline_service
        return types.MappingProxyType(
            {
                "CreatePipelineJob": server.Method(
                    service.CreatePipelineJobRequest, Job, self._create
                ),
                "GetPipelineJob": server.Method(
                    service.GetPipelineJobRequest, Job, self._get
                ),
                "ListPipelineJobs": server.Method(
                    service.ListPipelineJobsRequest,
                    service.ListPipelineJobsResponse,
                    self._list,
                ),
                "CancelPipelineJob": server.Method(
                    service.CancelPipelineJobRequest, server.EMPTY, self._cancel
                ),
                "DeletePipelineJob": server.Method(
                    service.DeletePipelineJobRequest,
                    operations_pb2.Operation,
                    self._delete,
                ),
            }
        )

    def add(self, job: Job) -> Job:
        """A job that is there already, as it is."""
        self.jobs[job.name] = job
        return job

    def advance(
        self,
        name: str,
        tasks: Mapping[str, Any] | None = None,
        state: str | None = None,
        outputs: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Job:
        """Moves a job on.

        Args:
          name: of the job.
          tasks: name -> state, or (state, words of its error).
          state: of the whole job; it must follow the one before.
          outputs: task -> output -> artifact.
        """
        job = self.jobs[name]
        for task_name, said in (tasks or {}).items():
            task_state, words = said if isinstance(said, tuple) else (said, "")
            _move_task(job, task_name, task_state, words, self._now())
        for task_name, artifacts in (outputs or {}).items():
            for key, artifact in artifacts.items():
                kept = Task.ArtifactList(artifacts=[artifact])
                _task(job, task_name).outputs[key] = kept
        if state:
            self._move(job, state)
        return job

    def _move(self, job: Job, state: str) -> None:
        before = _state(job)
        assert state in _FOLLOWS[before], f"{before} -> {state}"
        job.state = f"PIPELINE_STATE_{state}"
        job.update_time = self._now()
        if state == "RUNNING":
            job.start_time = self._now()
        if state in _ENDED:
            job.end_time = self._now()

    def _now(self) -> datetime.datetime:
        """A clock that goes on a second at each look."""
        self._clock += datetime.timedelta(seconds=1)
        return self._clock

    def _create(self, request: Any) -> Job:
        if request.parent not in self._parents:
            server.refuse("NOT_FOUND", f"The location {request.parent} does not exist.")
        number = request.pipeline_job_id or f"job-{len(self.jobs) + 1}"
        if not _ID.fullmatch(number):
            server.refuse(
                "INVALID_ARGUMENT",
                f"Pipeline job ID {number} is invalid: it must match [a-z][a-z0-9-]"
                "{0,126}",
            )
        name = f"{request.parent}/pipelineJobs/{number}"
        if name in self.jobs:
            server.refuse("ALREADY_EXISTS", f"PipelineJob {name} already exists.")
        for problem in problems(request.pipeline_job):
            server.refuse("INVALID_ARGUMENT", problem)
        job = Job(request.pipeline_job)
        job.name, job.create_time = name, self._now()
        job.update_time = job.create_time
        job.state = "PIPELINE_STATE_PENDING"
        self.add(job)
        self._unlisted[name] = self.list_lag
        if self.lose_answers:
            self.lose_answers -= 1
            server.refuse("UNAVAILABLE", "Connection reset by peer")
        return job

    def _found(self, name: str) -> Job:
        if name not in self.jobs:
            server.refuse("NOT_FOUND", f"The PipelineJob {name} does not exist.")
        return self.jobs[name]

    def _get(self, request: Any) -> Job:
        if self.script:
            self.script.pop(0)()
        return self._found(request.name)

    def _list(self, request: Any) -> Any:
        if request.parent not in self._parents:
            server.refuse("NOT_FOUND", f"The location {request.parent} does not exist.")
        wanted = filters.matching(request.filter, _FIELDS)
        here = f"{request.parent}/pipelineJobs/"
        jobs = [
            job
            for job in self.jobs.values()
            if job.name.startswith(here) and self._is_listed(job) and wanted(job)
        ]
        times = {**_TIMES, "start_time": _time("start_time")}
        jobs = filters.ordered(jobs, request.order_by, times)
        found, token = filters.page(jobs, request)
        return pipeline_service.ListPipelineJobsResponse(
            pipeline_jobs=[_in_list(job, request.read_mask) for job in found],
            next_page_token=token,
        )

    def _is_listed(self, job: Job) -> bool:
        left = self._unlisted.get(job.name, 0)
        self._unlisted[job.name] = max(0, left - 1)
        return left == 0

    def _cancel(self, request: Any) -> Any:
        job = self._found(request.name)
        if _state(job) in _ENDED:
            server.refuse(
                "FAILED_PRECONDITION",
                f"The PipelineJob {job.name} is in state {job.state.name} and "
                "cannot be cancelled.",
            )
        if _state(job) != "CANCELLING":
            self._move(job, "CANCELLING")
        return server.EMPTY()

    def _delete(self, request: Any) -> Any:
        job = self._found(request.name)
        if _state(job) not in _ENDED:
            server.refuse(
                "FAILED_PRECONDITION",
                f"The PipelineJob {job.name} is in state {job.state.name}; only "
                "finished jobs can be deleted.",
            )
        return self._operations.started(
            server.EMPTY(), lambda: self.jobs.pop(request.name, None)
        )


def problems(job: Job) -> Iterator[str]:
    """What the service refuses in a job before it starts; for schedules, too."""
    spec = json_format.MessageToDict(Job.pb(job).pipeline_spec)
    try:
        parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    except json_format.ParseError as error:
        yield f"Invalid pipeline_spec: {error}"
        return
    if not parsed.pipeline_info.name:
        yield "pipeline_spec.pipeline_info.name is required."
    if not job.runtime_config.gcs_output_directory.startswith("gs://"):
        yield "runtime_config.gcs_output_directory must be a Cloud Storage path."
    if job.service_account and not _ACCOUNT.fullmatch(job.service_account):
        yield f"Invalid service account: {job.service_account}"
    for key, value in job.labels.items():
        if not (_LABEL.fullmatch(key) and _LABEL.fullmatch(value)):
            yield f"Invalid label: {key}={value}"
    yield from _parameter_problems(spec, job)


def _parameter_problems(spec: Mapping[str, Any], job: Job) -> Iterator[str]:
    definitions = spec.get("root", {}).get("inputDefinitions", {})
    declared = definitions.get("parameters", {})
    given = dict(job.runtime_config.parameter_values)
    for name, value in given.items():
        if name not in declared:
            yield f"Unknown runtime parameter: {name}"
            continue
        kind = _KINDS.get(declared[name].get("parameterType"))
        if kind and not isinstance(value, kind):
            yield f"Parameter {name} has the wrong type: {value!r}"
    for name, definition in declared.items():
        optional = definition.get("isOptional") or "defaultValue" in definition
        if name not in given and not optional:
            yield f"Missing required runtime parameter: {name}"


def _in_list(job: Job, mask: Any) -> Job:
    """As a list shows it: without its detail ("Not available in the list view")."""
    shown = Job(job)
    for name in mask.paths:
        if name not in Job.pb(job).DESCRIPTOR.fields_by_name:
            server.refuse(
                "INVALID_ARGUMENT", f"Invalid field path in read_mask: {name}"
            )
    if mask.paths:
        shown = Job({name: getattr(job, name) for name in mask.paths})
    shown.job_detail = None
    return shown


def has_ended(job: Job) -> bool:
    """Whether it is in a state that is its last."""
    return _state(job) in _ENDED


def _state(job: Job) -> str:
    return job.state.name.removeprefix("PIPELINE_STATE_")


def _task(job: Job, name: str) -> Task:
    for task in job.job_detail.task_details:
        if task.task_name == name:
            return task
    job.job_detail.task_details.append(Task(task_name=name))
    return job.job_detail.task_details[-1]


def _move_task(
    job: Job, name: str, state: str, words: str, now: datetime.datetime
) -> None:
    task = _task(job, name)
    task.state = state
    if words:
        task.error = status_pb2.Status(code=9, message=words)
    if state == "RUNNING":
        task.start_time = now
    if state in (*_ENDED, "SKIPPED", "NOT_TRIGGERED"):
        task.end_time = now
