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
