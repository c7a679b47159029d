"""Batch predictions against Vertex AI's JobService on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import CloudUnavailable, NodeFailed, UsageError
from pipeline.gcp import prediction
from pipeline.platforms import settings
from tests.fakes import server, vertex_batch, vertex_models

MODEL = f"{server.PARENT}/models/trips"
SETS = (
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    "vertex.model={name: trips, serving_image: i}",
    "vertex.batch={machine_type: n1-highmem-2, max_replicas: 7}",
    "vertex.service_account=a@trips-project.iam.gserviceaccount.com",
)
TABLE, DATASET = "bq://trips-project.raw.trips", "bq://trips-project.scored"


@pytest.fixture
def config():
    return config_lib.load(overrides=SETS, platform="vertex").config


@pytest.fixture
def models():
    models = vertex_models.VertexModels(server.Operations())
    models.add("trips", {"1": ["champion", "default"], "2": ["candidate"]})
    inputs = {name: {"input_tensor_name": name} for name in ("fare", "company")}
    champion = models.versions[MODEL]["1"]
    champion.explanation_spec = {"metadata": {"inputs": inputs}}
    return models


@pytest.fixture
def jobs(models):
    return vertex_batch.BatchPredictions(models.find)


@pytest.fixture
def cloud(models, jobs):
    with server.running(models, jobs) as cloud, cloud.here():
        yield cloud


def start(config, source=TABLE, target=DATASET, version="champion") -> str:
    order = prediction.order_of(
        config, settings.registry_of(config, "vertex"), source, target, version
    )
    return prediction.start(prediction.job(order, config.vertex), config.vertex)


def wait(name, config, tell=lambda state: None):
    return prediction.wait(name, config.vertex, 9, tell, sleep=lambda seconds: None)


def test_a_table_is_scored_by_the_champion_on_the_configured_machines(
    cloud, config, jobs
):
    job = jobs.jobs[start(config)]

    assert (job.model, job.model_version_id) == (MODEL, "1")
    assert job.input_config.bigquery_source.input_uri == TABLE
    machines = job.dedicated_resources
    assert machines.machine_spec.machine_type == "n1-highmem-2"
    assert (machines.starting_replica_count, machines.max_replica_count) == (1, 7)
    assert job.service_account == config.vertex.service_account


def test_json_lines_are_read_from_a_bucket(cloud, config, jobs):
    job = jobs.jobs[start(config, "gs://b/part-*.jsonl", "gs://b/out")]

    assert job.input_config.instances_format == "jsonl"
    assert job.input_config.gcs_source.uris == ["gs://b/part-*.jsonl"]
    assert job.output_config.predictions_format == "jsonl"


@pytest.mark.parametrize("source", [TABLE, "gs://b/a.jsonl"])
def test_a_row_is_sent_by_name_with_the_columns_of_its_version_alone(
    cloud, config, jobs, source
):
    """A model server refuses a row with another column; a table may have more."""
    job = jobs.jobs[start(config, source)]

    assert job.instance_config.instance_type == "object"
    assert job.instance_config.included_fields == ["company", "fare"]


def test_a_version_that_does_not_say_its_columns_has_the_configured_ones(
    cloud, config, jobs
):
    job = jobs.jobs[start(config, version="candidate")]

    assert job.instance_config.included_fields == sorted(config.features.columns)


@pytest.mark.parametrize(
    ("source", "way"),
    [
        ("gs://b/part-*.csv", "a CSV's rows as lists"),
        ("gs://b/Split-test/*.gz", "a TFRecord as one text"),
        ("gs://b/a.tfrecord", "a TFRecord as one text"),
    ],
)
def test_files_whose_rows_lose_their_names_are_refused_before_anything_is_asked(
    cloud, config, source, way
):
    with pytest.raises(UsageError) as refused:
        start(config, source)

    assert f"--input {source}: Vertex AI sends {way}, and the model " in str(
        refused.value
    )
    assert not cloud.calls


def test_waiting_ends_with_the_place_of_the_answers(cloud, config):
    states = []

    place = wait(start(config), config, states.append)

    assert place == f"{DATASET}.predictions"
    assert states == ["QUEUED", "PENDING", "RUNNING", "SUCCEEDED"]


def test_a_job_that_failed_says_why(cloud, config, jobs):
    jobs.failing.append("column fare is not in the table")

    with pytest.raises(NodeFailed, match="FAILED: column fare is not in the table"):
        wait(start(config), config)


def test_a_busy_service_leaves_the_job_going(cloud, config):
    name = start(config)
    cloud.faults.extend([("GetBatchPredictionJob", "UNAVAILABLE", "later")] * 5)

    with pytest.raises(CloudUnavailable):
        wait(name, config)


def test_what_cannot_be_read_or_written_is_told_at_once(config):
    with pytest.raises(UsageError) as refused:
        prediction.order_of(
            config,
            settings.registry_of(config, "vertex"),
            "data.jsonl",
            "out",
            "champion",
        )

    assert "--input data.jsonl: expected bq://" in str(refused.value)
    assert "--output out: expected bq://" in str(refused.value)


def test_a_dry_run_prints_the_request_and_sends_none(repository, cloud):
    done = subprocess.run(
        [
            *(sys.executable, "vertex_runner.py", "predict", "--dry-run"),
            *("--input", TABLE, "--output", DATASET),
            *(word for value in SETS for word in ("--set", value)),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **cloud.environment},
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == f"{MODEL}@1"
    assert not cloud.asked("CreateBatchPredictionJob")
