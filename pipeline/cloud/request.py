"""A compiled job -> the PipelineJob message that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import clients
from pipeline.config import Config
from pipeline.errors import ConfigError, UsageError
from pipeline.runners import placement
from pipeline.vertex_config import VertexConfig


def pipeline_job(
    config: Config,
    job: Mapping[str, Any],
    parameters: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
) -> Any:
    """The message, an aiplatform_v1.PipelineJob; nothing is sent.

    Args:
      config: of the vertex platform; gives what the job does not say itself.
      job: of runners.vertex.compile_job, or {'pipelineSpec': a spec}.
      parameters: name -> value to give; parameters.checked says whether they fit.
      labels: for this job alone, over its own.

    Raises:
      UsageError: it is no PipelineJob.
    """
    from google.cloud import aiplatform_v1
    from google.protobuf import json_format

    whole = placement.placed(job, config, vertex_of(config))
    whole["labels"] = {**whole["labels"], **(labels or {})}
    if parameters:
        values = whole["runtimeConfig"].get("parameterValues", {})
        whole["runtimeConfig"]["parameterValues"] = {**values, **parameters}
    message = aiplatform_v1.PipelineJob()
    try:
        json_format.ParseDict(whole, aiplatform_v1.PipelineJob.pb(message))
    except json_format.ParseError as error:
        raise UsageError(f"the job is none that Vertex AI takes: {error}") from None
    return message


def plain(job: Any) -> dict[str, Any]:
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


def again(
    job: Mapping[str, Any], given: Mapping[str, Any], labels: Mapping[str, str]
) -> Any:
    """The aiplatform_v1.PipelineJob, which gets nothing of today's configuration.

    Args:
      job: complete: of compile_job, or `plain`.
      given: values of parameters.
      labels: over its own.
    """
    from google.cloud import aiplatform_v1
    from google.protobuf import json_format

    whole = {
        **job,
        "labels": {**job["labels"], **labels},
        "runtimeConfig": {**job["runtimeConfig"], "parameterValues": given},
    }
    message = aiplatform_v1.PipelineJob()
    json_format.ParseDict(whole, aiplatform_v1.PipelineJob.pb(message))
    return message


def vertex_of(config: Config) -> VertexConfig:
    """The configuration's vertex section.

    Raises:
      ConfigError: there is none.
    """
    if config.vertex is None:
        raise ConfigError("vertex: project, region and image are required here")
    return config.vertex


def location(config: Config) -> str:
    """projects/PROJECT/locations/REGION: the parent of everything there."""
    vertex = vertex_of(config)
    return clients.location(vertex.project, vertex.region)
