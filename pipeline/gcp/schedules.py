"""Vertex AI's schedules: the messages and the calls, without what they are for.

Not through the SDK: it has a resume that never sends catch_up, and an update that can
change neither template, parameters nor service account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.config.config import Config
from pipeline.gcp import clients, location

_TIMEOUT_S = 30.0
_DELETE_S = 30.0


def message(config: Config, job: Any, **fields: Any) -> Any:
    """The aiplatform_v1.Schedule that starts a job; nothing is sent.

    Args:
      config: of the vertex platform.
      job: the PipelineJob of each run.
      fields: of the message, such as cron.
    """
    from google.cloud import aiplatform_v1

    return aiplatform_v1.Schedule(
        create_pipeline_job_request=aiplatform_v1.CreatePipelineJobRequest(
            parent=location.of(config), pipeline_job=job
        ),
        **fields,
    )


def listed(config: Config) -> list[Any]:
    """All that start pipeline jobs in the region; of any pipeline.

    Raises:
      CloudError: the service said no.
    """
    with clients.asking("list the schedules"):
        found = _client(config).list_schedules(
            parent=location.of(config), timeout=_TIMEOUT_S
        )
        return [each for each in found if "create_pipeline_job_request" in each]


def create(config: Config, schedule: Any) -> Any:
    """Makes it; the service takes any number of one name.

    Raises:
      CloudError: the service said no.
    """
    with clients.asking(f"create the schedule {schedule.display_name}"):
        return _client(config).create_schedule(
            parent=location.of(config), schedule=schedule, timeout=_TIMEOUT_S
        )


def update(config: Config, schedule: Any, paths: Iterable[str]) -> None:
    """Changes the fields of these paths.

    Raises:
      CloudError: the service said no.
    """
    from google.protobuf import field_mask_pb2

    with clients.asking(f"update the schedule {schedule.display_name}"):
        _client(config).update_schedule(
            schedule=schedule,
            update_mask=field_mask_pb2.FieldMask(paths=sorted(paths)),
            timeout=_TIMEOUT_S,
        )


def pause(config: Config, schedule: Any) -> None:
    """No new runs; those under way go on.

    Raises:
      CloudError: the service said no.
    """
    with clients.asking(f"pause the schedule {schedule.display_name}"):
        _client(config).pause_schedule(name=schedule.name, timeout=_TIMEOUT_S)


def resume(config: Config, schedule: Any, catch_up: bool) -> None:
    """Runs again from the next time on; with `catch_up` what was missed runs first.

    Raises:
      CloudError: the service said no.
    """
    with clients.asking(f"resume the schedule {schedule.display_name}"):
        _client(config).resume_schedule(
            name=schedule.name, catch_up=catch_up, timeout=_TIMEOUT_S
        )


def delete(config: Config, schedule: Any) -> None:
    """Takes it away; its runs stay.

    Raises:
      CloudError: the service said no.
    """
    what = f"delete the schedule {schedule.display_name}"
    with clients.asking(what):
        operation = _client(config).delete_schedule(
            name=schedule.name, timeout=_TIMEOUT_S
        )
        clients.ended(operation, what, _DELETE_S)


def _client(config: Config) -> Any:
    from google.cloud import aiplatform_v1

    region = location.vertex_of(config).region
    return clients.vertex(aiplatform_v1.ScheduleServiceClient, region)
