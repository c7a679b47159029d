"""What is submitted: compiled now from the configuration, or a file of `compile`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline import quiet
from pipeline.config.config import Config
from pipeline.errors import UsageError
from pipeline.gcp import jobs
from pipeline.vertex.job import admission, job_digest, origin, parameters
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import request


def message(
    config: Config,
    file: Path | None,
    given: Sequence[str],
    accept_edited: bool,
    trigger: str = "hand",
) -> Any:
    """The PipelineJob to send.

    Args:
      config: of the vertex platform.
      file: a compiled job; None compiles the configuration.
      given: NAME=VALUE of its parameters.
      accept_edited: whether a file that was changed by hand is taken.
      trigger: what it is started by, for the record: 'hand', 'schedule NAME', ...

    Raises:
      UsageError: the file is none, was changed, or a parameter does not fit.
    """
    values = parameters.pairs(given)
    if file is None:
        admission.require(config, values)  # a mistake costs no compiling
        job = _compiled(config)
    else:
        job = _read(file, accept_edited)
    parameters.checked(job, values, config)
    values = {**origin.given(job, trigger), **values}
    return request.pipeline_job(config, job, values)


def shown(config: Config, made: Any, job_id: str) -> str:
    """The request as JSON, as it would be sent."""
    from google.protobuf import json_format

    asked = jobs.create_request(config, made, job_id)
    return json_format.MessageToJson(type(asked).pb(asked), sort_keys=True)


def _compiled(config: Config) -> Job:
    with quiet.imports():
        from pipeline.vertex.job.compile import compile_job  # TFX: ten seconds

    return compile_job(config)


def _read(file: Path, accept_edited: bool) -> Job:
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--job {file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--job {file}: is not JSON: {error}") from None
    if not isinstance(plain, dict) or "pipelineSpec" not in plain:
        raise UsageError(
            f"--job {file}: is not a job; `python vertex_runner.py compile --output "
            "FILE.json` writes one"
        )
    job = Job(plain)
    if not (accept_edited or job_digest.is_intact(job)):
        raise UsageError(
            f"--job {file}: was changed after it was compiled, so no configuration "
            "explains it. Compile it again, or say --accept-edited"
        )
    return job
