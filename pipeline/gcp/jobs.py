"""Pipeline jobs on Vertex AI: started, found, cancelled, deleted."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pipeline.config.config import Config
from pipeline.errors import CloudUnavailable, UsageError
from pipeline.gcp import clients, location

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
STATES = ("QUEUED", "PENDING", "RUNNING", "CANCELLING", *ENDED)

_TIMEOUT_S = 30
_DELETE_S = 30.0
_ATTEMPTS = 5
# Of this submission alone: it tells a job of ours from one that was there before.
_SUBMISSION = "millrace-submission"

Pause = Callable[[float], None]


def new_id(pipeline_name: str, now: datetime.datetime) -> str:
    """PIPELINE-YYYYMMDDhhmmss-RANDOM, which sorts by time."""
    return f"{pipeline_name}-{now:%Y%m%d%H%M%S}-{secrets.token_hex(2)}"


def name_of(config: Config, run: str) -> str:
    """The resource name of a run, given by its id or that name."""
    if run.startswith("projects/"):
        return run
    return f"{location.of(config)}/pipelineJobs/{run}"


def state_of(job: Any) -> str:
    """Such as RUNNING."""
    return job.state.name.removeprefix("PIPELINE_STATE_")


def create_request(config: Config, message: Any, job_id: str) -> Any:
    """What `create` sends."""
    from google.cloud import aiplatform_v1

    return aiplatform_v1.CreatePipelineJobRequest(
        parent=location.of(config),
        pipeline_job=message,
        pipeline_job_id=job_id,
    )


def create(
    config: Config,
    message: Any,
    job_id: str,
    pause: Pause = time.sleep,
    tell: Callable[[str], None] = lambda words: None,
) -> Any:
    """Starts a job, once: an answer that got lost does not start a second one.

    Args:
      config: says where.
      message: of request.pipeline_job.
      job_id: of new_id, or a person's own.
      pause: waits so many seconds between attempts.
      tell: is told, once, that the service is busy.

    Raises:
      CloudUnavailable: the service stayed busy; whether the job started, `list` says.
      UsageError: there is a job of that id already.
    """
    asked = create_request(config, message, job_id)
    asked.pipeline_job.labels[_SUBMISSION] = secrets.token_hex(8)
    for attempt in range(_ATTEMPTS):
        try:
            return _create_once(config, asked)
        except CloudUnavailable as busy:
            if attempt == _ATTEMPTS - 1:
                raise
            if attempt == 0:
                tell(f"{busy} (it is being tried again, with the same id)")
            pause(2.0**attempt)
    raise AssertionError


def _create_once(config: Config, asked: Any) -> Any:
    from google.api_core import exceptions

    with clients.asking("submit the job"):
        try:
            with _service(config) as service:
                return service.create_pipeline_job(request=asked, timeout=_TIMEOUT_S)
        except exceptions.AlreadyExists:
            there = get(config, asked.pipeline_job_id)
    mine = asked.pipeline_job.labels[_SUBMISSION]
    if dict(there.labels).get(_SUBMISSION) == mine:
        return there
    raise UsageError(
        f"submit the job: there is a job {asked.pipeline_job_id} already, "
        f"{state_of(there).lower()}. Give another --run-id, or none: one is made"
    )


def create_unless_there(config: Config, asked: Any) -> bool:
    """Starts the job, unless there is one of its id; whether it was started now.

    Raises:
      CloudError: the service said no.
    """
    from google.api_core import exceptions

    with clients.asking(f"submit {asked.pipeline_job_id}"):
        try:
            with _service(config) as service:
                service.create_pipeline_job(request=asked, timeout=_TIMEOUT_S)
        except exceptions.AlreadyExists:
            return False
    return True


def get(config: Config, run: str) -> Any:
    """The job.

    Raises:
      UsageError: there is none of that id.
    """
    from google.api_core import exceptions

    name = name_of(config, run)
    with clients.asking(f"find the run {run}"):
        try:
            with _service(config) as service:
                return service.get_pipeline_job(name=name, timeout=_TIMEOUT_S)
        except exceptions.NotFound:
            raise _unknown(config, run) from None


def newest(
    config: Config, states: Iterable[str] = (), limit: int = 20, every: bool = False
) -> list[Any]:
    """The newest jobs, newest first.

    Args:
      config: says which pipeline, and where.
      states: of STATES; none for any.
      limit: how many at most.
      every: of other pipelines, too.
    """
    terms = [] if every else [f'pipeline_name="{config.pipeline_name}"']
    wanted = [f'state="PIPELINE_STATE_{state}"' for state in states]
    if wanted:
        terms.append(" OR ".join(wanted))
    with clients.asking("list the runs"), _service(config) as service:
        pages = service.list_pipeline_jobs(
            request={
                "parent": location.of(config),
                "filter": " AND ".join(terms),
                "order_by": "create_time desc",
                "page_size": min(limit, 100),
            },
            timeout=_TIMEOUT_S,
        )
        return list(_first(pages, limit))


def cancel(config: Config, run: str) -> None:
    """Asks the job to end; tasks that run are stopped, and nothing more starts.

    Raises:
      UsageError: it has ended already, or there is none.
    """
    job = get(config, run)
    if state_of(job) in ENDED:
        raise UsageError(f"cancel {run}: it has ended already, {state_of(job).lower()}")
    with clients.asking(f"cancel {run}"), _service(config) as service:
        service.cancel_pipeline_job(name=job.name, timeout=_TIMEOUT_S)


def delete(config: Config, job: Any) -> None:
    """Removes the job from Vertex; what its tasks wrote stays.

    Raises:
      UsageError: it still runs.
      CloudUnavailable: it takes longer than is waited for, and goes on there.
    """
    run = job.name.rsplit("/", 1)[-1]
    if state_of(job) not in ENDED:
        raise UsageError(
            f"delete {run}: it is {state_of(job).lower()}. First "
            f"`python vertex_runner.py cancel {run}`"
        )
    with clients.asking(f"delete {run}"), _service(config) as service:
        operation = service.delete_pipeline_job(name=job.name, timeout=_TIMEOUT_S)
        clients.ended(operation, f"delete {run}", _DELETE_S)


def _unknown(config: Config, run: str) -> UsageError:
    where = location.of(config)
    return UsageError(
        f"no run {run} in {where}. `python vertex_runner.py list` shows them"
    )


def _first(items: Iterable[Any], limit: int) -> Iterator[Any]:
    for number, item in enumerate(items):
        if number == limit:
            return
        yield item


def _service(config: Config) -> Any:
    from google.cloud import aiplatform_v1

    region = location.vertex_of(config).region
    return clients.vertex(aiplatform_v1.PipelineServiceClient, region)
