"""The `beam` section as Beam's arguments."""

from __future__ import annotations

import pytest
from apache_beam.options import pipeline_options as beam_options

from pipeline import beam_arguments
from pipeline.config import config
from pipeline.data import in_process

IMAGE = f"europe-docker.pkg.dev/p/r/millrace@sha256:{'0' * 64}"
VERTEX = (
    *("vertex.project=p", "vertex.region=europe-west4", f"vertex.image={IMAGE}"),
    *("output_root=gs://bucket/root", "beam.runner=dataflow"),
)
KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
POOL = ("beam.flink.worker_pool=pool:50000", "beam.spark.worker_pool=pool:50000")
FLINK = ("beam.runner=flink", "beam.flink.job_endpoint=jobs:8099", *POOL[:1])
SPARK = ("beam.runner=spark", "beam.spark.job_endpoint=jobs:8099", *POOL[1:])


def arguments(*sets: str, platform: str = "local") -> list[str]:
    return beam_arguments.arguments(config.load((), sets, platform=platform).config)


def understood(given: list[str]) -> dict:
    """What Beam's own parser makes of them; none may be unknown to it."""
    options = beam_options.PipelineOptions(given)
    known = options.get_all_options(drop_default=True)
    unknown = options.get_all_options(drop_default=True, retain_unknown_options=True)
    assert unknown == known
    return known


@pytest.mark.parametrize("platform", ["local", "vertex"])
def test_the_defaults_of_both_platforms_are_one_process(platform):
    given = arguments(platform=platform)

    assert in_process.in_process(given)
    assert understood(given) == {
        "runner": "apache_beam.runners.portability.fn_api_runner.FnApiRunner",
        "pipeline_type_check": False,
        "sdk_container_image": "none",
    }


def test_multi_processing_starts_as_many_workers_as_it_is_told():
    given = arguments("beam.runner=multi_processing", "beam.workers=3")

    assert not in_process.in_process(given)
    assert understood(given)["direct_running_mode"] == "multi_processing"
    assert understood(given)["direct_num_workers"] == 3


def test_multi_processing_takes_all_cores_unless_told(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 7)

    given = arguments("beam.runner=multi_processing")

    assert understood(given)["direct_num_workers"] == 7


def test_dataflow_is_vertex_with_what_only_dataflow_has():
    given = arguments(
        *VERTEX,
        *(f"vertex.encryption_key={KEY}", "vertex.labels={team: a}"),
        *("vertex.service_account=tasks@p.iam.gserviceaccount.com", "beam.workers=2"),
        *("beam.dataflow.machine_type=n2-standard-4", "beam.dataflow.max_workers=9"),
        *("beam.dataflow.network=vpc", "beam.dataflow.subnetwork=regions/r/s"),
        "beam.dataflow.disk_gb=60",
        platform="vertex",
    )

    assert not in_process.in_process(given)
    assert understood(given) == {
        "runner": "DataflowRunner",
        "project": "p",
        "region": "europe-west4",
        "temp_location": "gs://bucket/root/beam",
        "sdk_container_image": IMAGE,
        "num_workers": 2,
        "max_num_workers": 9,
        "machine_type": "n2-standard-4",
        "disk_size_gb": 60,
        "service_account_email": "tasks@p.iam.gserviceaccount.com",
        "network": "vpc",
        "subnetwork": "regions/r/s",
        "use_public_ips": False,
        "dataflow_kms_key": KEY,
        "labels": ["pipeline=chicago-taxi", "team=a"],
        "save_main_session": False,
    }


def test_dataflows_own_account_temp_folder_and_addresses_win():
    given = arguments(
        *(*VERTEX, "vertex.service_account=tasks@p.iam.gserviceaccount.com"),
        *("beam.dataflow.service_account=workers@p", "beam.dataflow.public_ips=true"),
        "beam.dataflow.temp_location=gs://other/t",
        platform="vertex",
    )

    found = understood(given)
    assert found["service_account_email"] == "workers@p"
    assert found["temp_location"] == "gs://other/t"
    assert found["use_public_ips"] is True


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (
            (*FLINK, "beam.workers=4", "beam.flink.artifact_endpoint=jobs:8098"),
            {
                "runner": "FlinkRunner",
                "job_endpoint": "jobs:8099",
                "artifact_endpoint": "jobs:8098",
                "environment_type": "EXTERNAL",
                "environment_config": "pool:50000",
                "parallelism": 4,
            },
        ),
        (
            SPARK,
            {
                "runner": "SparkRunner",
                "job_endpoint": "jobs:8099",
                "environment_type": "EXTERNAL",
                "environment_config": "pool:50000",
            },
        ),
        (
            (
                *("beam.runner=spark", "beam.spark.master=spark://m:7077"),
                f"beam.spark.image={IMAGE}",
            ),
            {
                "runner": "SparkRunner",
                "spark_master_url": "spark://m:7077",
                "environment_type": "DOCKER",
                "environment_config": IMAGE,
            },
        ),
        (
            (
                *("beam.runner=flink", "beam.flink.master=m:8081"),
                "beam.flink.image=other",
            ),
            {
                "runner": "FlinkRunner",
                "flink_master": "m:8081",
                "environment_type": "DOCKER",
                "environment_config": "other",
            },
        ),
    ],
    ids=["flink-pool", "spark-pool", "spark-image", "flink-image"],
)
def test_a_cluster_is_told_where_our_code_runs(sets, expected):
    given = arguments(*sets)

    assert not in_process.in_process(given)
    everywhere = {"save_main_session": False, "sdk_container_image": "none"}
    assert understood(given) == {**expected, **everywhere}


def test_a_cluster_takes_vertexs_image_unless_it_has_its_own():
    given = arguments(
        *VERTEX[:4], "beam.runner=flink", "beam.flink.master=m:8081", platform="vertex"
    )

    assert understood(given)["environment_config"] == IMAGE


def test_more_arguments_of_beams_come_last_and_win():
    given = arguments(
        *VERTEX,
        "beam.extra_args=[--experiments=shuffle_mode=service, --machine_type=m]",
        "beam.dataflow.machine_type=n1",
        platform="vertex",
    )

    assert understood(given)["experiments"] == ["shuffle_mode=service"]
    assert understood(given)["machine_type"] == "m"


def test_an_image_by_tag_is_warned_of_where_workers_fetch_it():
    tag = "vertex.image=millrace:latest"
    there, here, by_digest = (
        config.load((), [*VERTEX, *sets], platform="vertex").config
        for sets in ([tag], [tag, "beam.runner=direct"], [])
    )

    text = beam_arguments.warning(there)

    assert text.startswith("vertex.image: Dataflow's workers get millrace:latest, a ta")
    assert beam_arguments.warning(here) is None
    assert beam_arguments.warning(by_digest) is None
