"""The `beam` section as the arguments that every Beam pipeline is given."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipeline.config.beam import ClusterConfig
from pipeline.config.config import Config
from pipeline.data.in_process import IN_PROCESS

# Named in full: Beam's default tries to download its Prism runner first.
_HERE = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"

# Any value keeps TFX from packing itself into an sdist for each Beam component, 1-2 s
# each; these workers have this environment and need no package.
_NO_PACKAGE = "--sdk_container_image=none"

# Our functions are in installed modules, and a main session would be the command's;
# on Dataflow Beam would send it.
_ON_WORKERS = ("--no_save_main_session",)


def arguments(config: Config) -> list[str]:
    """What every Beam pipeline of the run is given."""
    of_runner = {
        "direct": _direct,
        "multi_processing": _multi_processing,
        "dataflow": _dataflow,
        "flink": _flink,
        "spark": _spark,
    }[config.beam.runner]
    return [*of_runner(config), *config.beam.extra_args]


def warning(config: Config) -> str | None:
    """What is allowed, and seldom meant: workers of different images."""
    image = config.vertex.image if config.vertex else ""
    if config.beam.runner != "dataflow" or "@sha256:" in image:
        return None
    return (
        f"vertex.image: Dataflow's workers get {image}, a tag: it may be another image "
        "tomorrow, or on the next worker. Give it by digest: NAME@sha256:..."
    )


def _direct(config: Config) -> list[str]:
    return [
        _HERE,
        IN_PROCESS,
        "--direct_num_workers=1",
        "--no_pipeline_type_check",
        _NO_PACKAGE,
    ]


def _multi_processing(config: Config) -> list[str]:
    return [
        _HERE,
        "--direct_running_mode=multi_processing",
        f"--direct_num_workers={config.beam.workers or os.cpu_count()}",
        "--no_pipeline_type_check",
        *_ON_WORKERS,
        _NO_PACKAGE,
    ]


def _dataflow(config: Config) -> list[str]:
    settings, vertex = config.beam.dataflow, config.vertex
    assert vertex is not None  # the configuration was checked
    labels = {"pipeline": config.pipeline_name, **vertex.labels}
    given = {
        "project": vertex.project,
        "region": vertex.region,
        "temp_location": settings.temp_location or f"{config.output_root}/beam",
        "sdk_container_image": vertex.image,
        "num_workers": config.beam.workers,
        "max_num_workers": settings.max_workers,
        "machine_type": settings.machine_type,
        "disk_size_gb": settings.disk_gb,
        "service_account_email": settings.service_account or vertex.service_account,
        "network": settings.network,
        "subnetwork": settings.subnetwork,
        "dataflow_kms_key": vertex.encryption_key,
    }
    return [
        "--runner=DataflowRunner",
        *_given(given),
        "--use_public_ips" if settings.public_ips else "--no_use_public_ips",
        *(f"--labels={key}={value}" for key, value in labels.items()),
        *_ON_WORKERS,
    ]


def _flink(config: Config) -> list[str]:
    cluster = config.beam.flink
    assert cluster is not None
    given = {"flink_master": cluster.master, "parallelism": config.beam.workers}
    return ["--runner=FlinkRunner", *_given(given), *_cluster(cluster, config)]


def _spark(config: Config) -> list[str]:
    cluster = config.beam.spark
    assert cluster is not None
    given = {"spark_master_url": cluster.master}
    return ["--runner=SparkRunner", *_given(given), *_cluster(cluster, config)]


def _cluster(cluster: ClusterConfig, config: Config) -> list[str]:
    image = cluster.image or (config.vertex.image if config.vertex else None)
    given = {
        "job_endpoint": cluster.job_endpoint,
        "artifact_endpoint": cluster.artifact_endpoint,
        "environment_type": "EXTERNAL" if cluster.worker_pool else "DOCKER",
        "environment_config": cluster.worker_pool or image,
    }
    return [*_given(given), *_ON_WORKERS, _NO_PACKAGE]


def _given(settings: Mapping[str, str | int | None]) -> list[str]:
    return [
        f"--{name}={value}" for name, value in settings.items() if value is not None
    ]
