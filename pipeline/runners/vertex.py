"""The compiled job for Vertex AI Pipelines."""

from __future__ import annotations

from typing import Any

from tfx.orchestration.kubeflow.decorators import FinalStatusStr
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline import errors, preflight
from pipeline.components.exit_handler import ExitHandler
from pipeline.config import Config
from pipeline.pipeline import code_of, create_pipeline

_TFX_ENTRY = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
_OUR_ENTRY = "pipeline.runners.task"


def compile_job(config: Config) -> dict[str, Any]:
    """The PipelineJob (spec 2.1) of the configuration; nothing is submitted.

    Raises:
      UsageError: the configuration has no vertex layer, or a file of it is missing.
    """
    if config.vertex is None:
        raise errors.ConfigError("vertex: project, region and image are required here")
    preflight.check_reviewed(config)
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=config.vertex.image, use_pipeline_spec_2_1=True
        )
    )
    runner.set_exit_handler(
        ExitHandler(
            final_status=FinalStatusStr(),
            pipeline_name=config.pipeline_name,
            runs_folder=config.runs_path,
            notifications=config.notifications.model_dump_json(exclude_defaults=True),
            code=code_of(config),
        )
    )
    job = runner.run(create_pipeline(config, platform="vertex"), write_out=False)
    _leave_words(job, config.runs_path)
    _never_cache(job, "Notifier")
    return job


def _leave_words(job: dict[str, Any], runs_folder: str) -> None:
    """Starts each task through our entry point, which leaves the words of an error."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    for name, executor in executors.items():
        container = executor.get("container", {})
        if _TFX_ENTRY not in container.get("command", []):
            continue
        node = name.removesuffix("_executor")
        container["command"] = [
            _OUR_ENTRY if word == _TFX_ENTRY else word for word in container["command"]
        ]
        own = ["--node", node, "--runs_folder", runs_folder]
        container["args"] = [*own, *container["args"]]


def _never_cache(job: dict[str, Any], node: str) -> None:
    """Runs the node each time: what it tells depends on the runs before.

    A cached Notifier would leave it to the exit handler, which knows of no verdict: a
    model refused each night would be a recovery.
    """
    tasks = job["pipelineSpec"]["components"]["tfx-dag"]["dag"]["tasks"]
    tasks[node]["cachingOptions"] = {"enableCache": False}
