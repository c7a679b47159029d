"""A job as plain JSON <-> the aiplatform_v1.PipelineJob message; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import UsageError


def message(job: Mapping[str, object]) -> Any:
    """The message of a job that is complete.

    Raises:
      UsageError: it is not a PipelineJob.
    """
    from google.cloud import aiplatform_v1
    from google.protobuf import json_format

    made = aiplatform_v1.PipelineJob()
    try:
        json_format.ParseDict(job, aiplatform_v1.PipelineJob.pb(made))
    except json_format.ParseError as error:
        raise UsageError(f"Vertex AI does not take this job: {error}") from None
    return made


def plain(job: Any) -> dict[str, object]:
    """What makes a PipelineJob, without its parameters, as plain JSON.

    Args:
      job: aiplatform_v1.PipelineJob: of the service, or of a schedule's template.
    """
    from google.cloud import aiplatform_v1
    from google.protobuf import json_format

    whole = json_format.MessageToDict(aiplatform_v1.PipelineJob.pb(job))
    runtime = {**whole.get("runtimeConfig", {})}
    runtime.pop("parameterValues", None)
    said = {name: whole[name] for name in _SAID if name in whole}
    return {"labels": {}, **said, "runtimeConfig": runtime}


# All else of a PipelineJob the service fills in.
_SAID = (
    "displayName",
    "labels",
    "pipelineSpec",
    "serviceAccount",
    "network",
    "reservedIpRanges",
    "encryptionSpec",
    "templateUri",
)


def answer(asked: bytes, ended: Iterable[tuple[str, str, int]]) -> bytes:
    """What the service answers to GetPipelineJob, for a rehearsal that stands for it.

    Args:
      asked: the GetPipelineJobRequest.
      ended: name, state and end (seconds since 1970) of each task.
    """
    from google.cloud.aiplatform_v1 import types
    from google.protobuf import timestamp_pb2

    details = [
        types.PipelineTaskDetail(
            task_name=name,
            state=state,
            end_time=timestamp_pb2.Timestamp(seconds=seconds),
        )
        for name, state, seconds in ended
    ]
    job = types.PipelineJob(
        name=types.GetPipelineJobRequest.deserialize(asked).name,
        job_detail=types.PipelineJobDetail(task_details=details),
    )
    return bytes(types.PipelineJob.serialize(job))
