"""A template of the registry -> the request that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from pipeline.config.config import Config
from pipeline.errors import CloudError
from pipeline.gcp import location, template_files
from pipeline.gcp.templates import Package, Template
from pipeline.vertex.job import origin, parameters
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import request


def pipeline_job(
    config: Config,
    package: Package,
    template: Template,
    given: Mapping[str, str],
    trigger: str = "hand",
) -> Any:
    """The PipelineJob that names the template; nothing is sent, no file written.

    It names the version and not a tag, so that the same words never mean another
    pipeline, and brings the spec along, as Google's own SDK does.

    Args:
      config: says where the job runs, and where its output goes.
      package: that the template is of.
      template: to run.
      given: runtime parameters, name -> value.
      trigger: what it is started by, for the record: 'hand', 'schedule NAME', ...

    Raises:
      UsageError: parameters that the template or the configuration does not take.
      CloudError: the template cannot be read, or is none.
    """
    job = _job(template_files.download(package, template.version), template)
    parameters.checked(job, given, config)
    values = {**origin.given(job, trigger), **given}
    made = request.pipeline_job(config, job, values)
    made.template_uri = package.address(template.version)
    return made


def in_its_image(config: Config, job: Any) -> Config:
    """The configuration as the job runs with it, which is in the template's image.

    Args:
      config: of the vertex platform.
      job: of pipeline_job.
    """
    [image] = {each.image for each in Job.of_message(job).containers.values()}
    vertex = location.vertex_of(config).model_copy(update={"image": image})
    return config.model_copy(update={"vertex": vertex})


def _job(content: bytes, template: Template) -> Job:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    try:
        spec = yaml.safe_load(content)
        json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    except (yaml.YAMLError, json_format.ParseError, AttributeError) as error:
        raise CloudError(f"{template.version} is not a pipeline: {error}") from None
    return Job.of_spec(spec)
