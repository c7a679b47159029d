"""The compiled job for Vertex AI Pipelines."""

from __future__ import annotations

from typing import Any

import yaml
from tfx.orchestration.kubeflow.decorators import FinalStatusStr
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline import errors
from pipeline.components.exit_handler import ExitHandler
from pipeline.config.config import Config
from pipeline.data import preflight
from pipeline.nodes import NOTIFIER
from pipeline.pipeline import code_of, create_pipeline, record_of
from pipeline.platforms import settings
from pipeline.vertex.job import (
    job_digest,
    origin,
    parameters,
    patches,
    placement,
    run_date,
    secret_references,
)
from pipeline.vertex.job.job import Job


def compile_job(config: Config) -> Job:
    """The PipelineJob (spec 2.1) of the configuration, sealed; nothing is submitted.

    Raises:
      UsageError: the configuration has no vertex layer, a file of it is missing, or a
        secret of it lies where no container on Vertex can look.
    """
    if config.vertex is None:
        raise errors.ConfigError("vertex: project, region and image are required here")
    secret_references.require_reachable(config)
    preflight.check_reviewed(config)
    preflight.check_columns(config, ())
    given = parameters.of_config(config)
    job = Job(_compiled(config, config.vertex.image))
    patches.start_through_our_entry_point(
        job, config.runs_path, config.vertex.timeout_s
    )
    patches.compare_with_own_models(job, config.pipeline_name)
    run_date.declare(job)
    origin.declare(job)
    patches.declare_parameters(job, given)
    patches.give_resources(job, config.vertex.resources)
    patches.retry(job, config.vertex.retries)
    for name, task in job.tasks.items():
        # What the Notifier tells depends on the runs before. A cached one would leave
        # it to the exit handler, which knows of no verdict: a model that is refused
        # each night would be a recovery.
        if name == NOTIFIER or not config.vertex.caching:
            task.never_cache()
    job = placement.placed(job, config, config.vertex)
    patches.find_files_by_package(job)
    patches.keep_pipeline_root(job)
    job_digest.seal(job)
    return job


def _compiled(config: Config, image: str) -> Any:
    """TFX's own output, with its mistakes."""
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=image, use_pipeline_spec_2_1=True
        )
    )
    runner.set_exit_handler(_exit_handler(config))
    return runner.run(create_pipeline(config, platform="vertex"), write_out=False)


def spec_yaml(job: Job) -> str:
    """The job's pipeline spec alone: what registries and Vertex's console take."""
    return yaml.safe_dump(job.spec, sort_keys=True)


def _exit_handler(config: Config) -> Any:
    return ExitHandler(
        final_status=FinalStatusStr(),
        pipeline_name=config.pipeline_name,
        runs_folder=config.runs_path,
        notifications=config.notifications.model_dump_json(exclude_defaults=True),
        code=code_of(config),
        record=record_of(config),
        experiment=settings.experiment(config),
    )
