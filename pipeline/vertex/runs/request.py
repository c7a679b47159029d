"""A compiled job -> the PipelineJob message that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config.config import Config
from pipeline.gcp import job_message, location
from pipeline.vertex.job import placement


def pipeline_job(
    config: Config,
    job: Mapping[str, Any],
    parameters: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
) -> Any:
    """The message, an aiplatform_v1.PipelineJob; nothing is sent.

    Args:
      config: of the vertex platform; gives what the job does not say itself.
      job: of vertex.job.compile.compile_job, or {'pipelineSpec': a spec}.
      parameters: name -> value to give; parameters.checked says whether they fit.
      labels: for this job alone, over its own.

    Raises:
      UsageError: it is no PipelineJob.
    """
    whole = placement.placed(job, config, location.vertex_of(config))
    whole["labels"] = {**whole["labels"], **(labels or {})}
    if parameters:
        values = whole["runtimeConfig"].get("parameterValues", {})
        whole["runtimeConfig"]["parameterValues"] = {**values, **parameters}
    return job_message.message(whole)
