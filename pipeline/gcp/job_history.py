"""The pipeline jobs that there were."""

from __future__ import annotations

import datetime
import itertools
import statistics
from typing import Any

from pipeline.config.config import Config
from pipeline.gcp import clients, jobs, location

_TIMEOUT_S = 30.0
_ENOUGH = 10
# All but the spec, which is large, and the detail of the tasks, which lists never have
# (googleapis/python-aiplatform#4341): `jobs.get` gives it.
_READ = (
    "name",
    "state",
    "labels",
    "create_time",
    "start_time",
    "end_time",
    "schedule_name",
)


def usual_length(config: Config) -> datetime.timedelta | None:
    """How long the last ten runs took that succeeded, in the middle; None for none.

    Raises:
      CloudError: the service said no.
    """
    state = 'state="PIPELINE_STATE_SUCCEEDED"'
    filter_ = f'pipeline_name="{config.pipeline_name}" AND {state}'
    with clients.asking("list the jobs"):
        newest = [*itertools.islice(_listed(config, filter_, _ENOUGH), _ENOUGH)]
    lengths = [job.end_time - job.start_time for job in newest if job.start_time]
    return statistics.median(lengths) if lengths else None


def before(config: Config, job: Any) -> str | None:
    """The name of the newest job of the same pipeline that was made before and ended.

    Raises:
      CloudError: the service said no.
    """
    ended = " OR ".join(f'state="PIPELINE_STATE_{state}"' for state in jobs.ENDED)
    terms = (
        f'pipeline_name="{job.pipeline_spec["pipelineInfo"]["name"]}"',
        f'create_time<"{_rfc3339(job.create_time)}"',
        ended,
    )
    with clients.asking("list the jobs"):
        found = next(iter(_listed(config, " AND ".join(terms), 1)), None)
    return found.name if found else None


def last_success(config: Config) -> tuple[str, float] | None:
    """Run id and end (seconds since 1970) of the job that ended last and succeeded."""
    state = 'state="PIPELINE_STATE_SUCCEEDED"'
    filter_ = f'pipeline_name="{config.pipeline_name}" AND {state}'
    job = next(iter(_listed(config, filter_, 1, order="end_time desc")), None)
    return (job.name.rsplit("/", 1)[-1], job.end_time.timestamp()) if job else None


def labelled(
    config: Config, name: str, value: str, since: datetime.datetime | None = None
) -> list[Any]:
    """The jobs with that label, newest first; without the detail of their tasks.

    Args:
      config: says where.
      name: of the label.
      value: of the label.
      since: none that was made before.

    Raises:
      CloudError: the service said no.
    """
    terms = [f'labels.{name}="{value}"']
    if since:
        terms.append(f'create_time>="{_rfc3339(since)}"')
    with clients.asking("list the jobs"):
        return [*_listed(config, " AND ".join(terms), 100)]


def _rfc3339(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _listed(
    config: Config, filter_: str, page: int, order: str = "create_time desc"
) -> Any:
    from google.cloud import aiplatform_v1
    from google.protobuf import field_mask_pb2

    region = location.vertex_of(config).region
    client = clients.vertex(aiplatform_v1.PipelineServiceClient, region)
    return client.list_pipeline_jobs(
        aiplatform_v1.ListPipelineJobsRequest(
            parent=location.of(config),
            filter=filter_,
            page_size=page,
            order_by=order,
            read_mask=field_mask_pb2.FieldMask(paths=_READ),
        ),
        timeout=_TIMEOUT_S,
    )
