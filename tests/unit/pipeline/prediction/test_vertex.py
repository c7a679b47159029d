"""Batch predictions against Vertex AI's JobService on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipeline import config as config_lib
from pipeline.errors import CloudUnavailable, NodeFailed, UsageError
from pipeline.prediction import vertex
from pipeline.prediction.vertex import Order
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
    return models


@pytest.fixture
def jobs(models):
    return vertex_batch.BatchPredictions(models.find)


@pytest.fixture
def cloud(models, jobs):
    with server.running(models, jobs) as cloud, cloud.here():
        yield cloud


def start(config, source=TABLE, target=DATASET, version="champion") -> str:
    order = vertex.order_of(config, source, target, version)
    return vertex.start(vertex.job(order, config.vertex), config.vertex)


def wait(name, config, tell=lambda state: None):
    return vertex.wait(name, config.vertex, 9, tell, sleep=lambda seconds: None)


def test_a_table_is_scored_by_the_champion_on_the_configured_machines(
    cloud, config, jobs
):
    job = jobs.jobs[start(config)]

    assert (job.model, job.model_version_id) == (MODEL, "1")
    assert job.input_config.bigquery_source.input_uri == TABLE
    assert job.instance_config.instance_type == "object"
    machines = job.dedicated_resources
    assert machines.machine_spec.machine_type == "n1-highmem-2"
    assert (machines.starting_replica_count, machines.max_replica_count) == (1, 7)
    assert job.service_account == config.vertex.service_account


@pytest.mark.parametrize(
    ("source", "format_"),
    [
        ("gs://b/a.jsonl", "jsonl"),
        ("gs://b/part-*.csv", "csv"),
        ("gs://b/Split-test/*.gz", "tf-record-gzip"),
        ("gs://b/a.tfrecord", "tf-record"),
    ],
)
def test_files_are_read_as_their_names_say(cloud, config, jobs, source, format_):
    job = jobs.jobs[start(config, source, "gs://b/out")]

    assert job.input_config.instances_format == format_
    assert job.output_config.predictions_format == "jsonl"


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
    order = Order("data.csv", "out", MODEL, "trips")

    with pytest.raises(UsageError) as refused:
        vertex.job(order, config.vertex)

    assert "--input data.csv: expected bq://" in str(refused.value)
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
