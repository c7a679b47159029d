"""What Vertex says of a run, from its own protobufs over gRPC."""

from __future__ import annotations

import contextlib
import json

import pytest
from google.cloud.aiplatform_v1.types import pipeline_job
from google.protobuf import struct_pb2, timestamp_pb2
from google.rpc import status_pb2

from pipeline.gcp import job_status
from tests.fakes import server, vertex_jobs

NAME = "projects/p/locations/europe-west4/pipelineJobs/trips-20260302"
LINK = (
    "https://console.cloud.google.com/vertex-ai/pipelines/locations/europe-west4/runs/"
    "trips-20260302?project=p"
)
Task = pipeline_job.PipelineTaskDetail


def final_status(state: str, **error) -> dict:
    return {
        "state": state,
        "error": error,
        "pipelineJobUuid": "1",
        "pipelineJobName": "trips-20260302",
        "pipelineJobResourceName": NAME,
        "pipelineTaskName": "tfx-dag",
    }


def job(*tasks: tuple[str, str, int, str]) -> pipeline_job.PipelineJob:
    return pipeline_job.PipelineJob(
        name=NAME,
        start_time=timestamp_pb2.Timestamp(seconds=1000),
        job_detail=pipeline_job.PipelineJobDetail(
            task_details=[
                Task(
                    task_name=name,
                    state=state,
                    end_time=timestamp_pb2.Timestamp(seconds=ended),
                    error=status_pb2.Status(code=3, message=words),
                )
                for name, state, ended, words in tasks
            ]
        ),
    )


@contextlib.contextmanager
def cloud(*known: pipeline_job.PipelineJob):
    """Vertex AI with these jobs."""
    jobs = vertex_jobs.PipelineJobs()
    for each in known:
        jobs.add(each)
    with server.running(jobs) as running, running.here():
        yield running


def facts(status, *tasks):
    with cloud(job(*tasks)):
        return job_status.facts_of(status, "trips")


def test_a_failure_names_the_first_failed_task_and_its_error():
    found = facts(
        json.dumps(final_status("FAILED", code=9, message="The DAG failed")),
        ("tfx-dag", "FAILED", 30, "tasks failed"),
        ("Evaluator", "FAILED", 20, "later"),
        ("Trainer", "FAILED", 10, "the replica exited with a non-zero status of 1"),
        ("Transform", "SUCCEEDED", 5, ""),
    )

    assert (found.outcome, found.node) == ("FAILED", "Trainer")
    assert found.reasons == ("the replica exited with a non-zero status of 1",)
    assert (found.run_id, found.provider, found.started) == (
        "trips-20260302",
        "vertex",
        1000.0,
    )
    assert found.log == LINK


def test_the_service_may_send_a_struct():
    status = struct_pb2.Struct()
    status.update(final_status("CANCELLED"))

    found = facts(status, ("Trainer", "CANCELLED", 10, ""))

    assert (found.outcome, found.node) == ("CANCELLED", None)


def test_a_success_asks_the_service_nothing():
    with cloud():
        found = job_status.facts_of(json.dumps(final_status("SUCCEEDED")), "trips")

    assert (found.outcome, found.run_id, found.log, found.reasons) == (
        "SUCCEEDED",
        "trips-20260302",
        LINK,
        (),
    )


def test_a_service_that_does_not_know_the_job_does_not_keep_the_message_back():
    with cloud():
        found = job_status.facts_of(
            json.dumps(final_status("FAILED", message="The DAG failed")),
            "trips",
        )

    assert found.outcome == "FAILED"
    assert found.reasons == (
        "The DAG failed",
        "(the failed task is not known: NotFound)",
    )


@pytest.mark.parametrize("status", ["", "{}"])
def test_a_status_without_content_is_a_failure(status):
    found = job_status.facts_of(status, "trips")

    assert (found.outcome, found.run_id, found.log) == ("FAILED", "", "")


def test_an_error_that_is_null_is_none():
    found = job_status.facts_of('{"state": "FAILED", "error": null}', "trips")

    assert found.outcome == "FAILED"


def test_a_failed_task_without_an_end_comes_last():
    endless = job(("Trainer", "FAILED", 10, "first"))
    endless.job_detail.task_details.insert(0, Task(task_name="Pusher", state="FAILED"))
    with cloud(endless):
        found = job_status.facts_of(json.dumps(final_status("FAILED")), "trips")

    assert found.node == "Trainer"
