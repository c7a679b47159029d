"""Which run was the last that succeeded, for whoever watches."""

from __future__ import annotations

import os

import pytest
from google.cloud.aiplatform_v1.types import pipeline_job
from google.protobuf import timestamp_pb2
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.config import config as config_lib
from pipeline.platforms import last_success
from pipeline.runs import folder as runs
from tests.fakes import server, vertex_jobs


@pytest.fixture
def config(tmp_path):
    return config_lib.load((), (f"output_root={tmp_path}",)).config


@pytest.fixture
def ran(config):
    """Writes a run into MLMD."""
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = config.metadata_path
    connection.sqlite.connection_mode = (
        mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    )
    store = metadata_store.MetadataStore(connection)
    type_id = store.put_context_type(mlmd.ContextType(name="pipeline_run"))

    def ran(name: str, ended: float, **properties: str) -> None:
        run = mlmd.Context(type_id=type_id, name=name)
        known = {
            "outcome": "SUCCEEDED",
            "pipeline": config.pipeline_name,
            "partial": "false",
            "ended": str(ended),
        }
        for key, value in {**known, **properties}.items():
            run.custom_properties[key].string_value = value
        store.put_contexts([run])

    return ran


def test_without_a_store_there_is_none(config):
    assert last_success.local(config) is None


def test_the_newest_success_of_the_whole_pipeline_counts(config, ran):
    ran("old", 100.0)
    ran("good", 200.0)
    ran("failed", 300.0, outcome="FAILED")
    ran("part", 400.0, partial="true")
    ran("other", 500.0, pipeline="another")

    assert last_success.local(config) == ("good", 200.0)


def test_a_run_that_found_nothing_changed_counts(config, ran):
    ran("good", 200.0)
    folder = os.path.join(config.runs_path, "good")
    os.makedirs(folder)
    runs.confirm(config.output_root, "good")
    os.utime(os.path.join(folder, runs.CONFIRMED_FILE), (900.0, 900.0))

    assert last_success.local(config) == ("good", 900.0)


def job(number: str, pipeline: str, state: str, ended: int):
    return pipeline_job.PipelineJob(
        name=f"{server.PARENT}/pipelineJobs/{number}",
        pipeline_spec={"pipelineInfo": {"name": pipeline}},
        state=f"PIPELINE_STATE_{state}",
        end_time=timestamp_pb2.Timestamp(seconds=ended),
    )


def test_on_vertex_the_newest_success_of_this_pipeline_counts():
    jobs = vertex_jobs.PipelineJobs()
    jobs.add(job("old", "chicago-taxi", "SUCCEEDED", 600))
    jobs.add(job("good", "chicago-taxi", "SUCCEEDED", 700))
    jobs.add(job("failed", "chicago-taxi", "FAILED", 800))
    jobs.add(job("other", "another", "SUCCEEDED", 900))
    overrides = (f"vertex.project={server.PROJECT}", f"vertex.region={server.REGION}")
    config = config_lib.load((), overrides, platform="vertex").config

    with server.running(jobs) as cloud, cloud.here():
        assert last_success.on_vertex(config) == ("good", 700.0)
