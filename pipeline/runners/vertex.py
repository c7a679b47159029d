"""The compiled job for Vertex AI Pipelines."""

from __future__ import annotations

from typing import Any

from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline import errors
from pipeline.config import Config
from pipeline.pipeline import create_pipeline


def compile_job(config: Config) -> dict[str, Any]:
    """The PipelineJob (spec 2.1) of the configuration; nothing is submitted.

    Raises:
      ConfigError: the configuration has no vertex layer.
    """
    if config.vertex is None:
        raise errors.ConfigError("vertex: project, region and image are required here")
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=config.vertex.image, use_pipeline_spec_2_1=True
        )
    )
    return runner.run(create_pipeline(config, platform="vertex"), write_out=False)
