"""A compiled job -> the PipelineJob message that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config.config import Config
from pipeline.gcp import location
from pipeline.vertex.job import placement
from pipeline.vertex.job.job import Job


def pipeline_job(
    config: Config,
    job: Job,
    parameters: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
) -> Any:
    """The message, an aiplatform_v1.PipelineJob; nothing is sent.

    Args:
      config: of the vertex platform; gives what the job does not say itself.
      job: of vertex.job.compile.compile_job, or of a spec alone.
      parameters: name -> value to give; parameters.checked says whether they fit.
      labels: for this job alone, over its own.

    Raises:
      UsageError: it is no PipelineJob.
    """
    whole = placement.placed(job, config, location.vertex_of(config))
    return whole.message(parameters, labels)
