"""What a task of a rehearsal may ask Vertex AI."""

from __future__ import annotations

import pytest
from google.cloud import aiplatform_v1

from pipeline.errors import CloudError
from pipeline.gcp import clients
from pipeline.vertex.rehearsal import service
from pipeline.vertex.rehearsal.task import Task

TASKS = [Task("A", "SUCCEEDED", ended=7.5), Task("B", "FAILED"), Task("C", "SKIPPED")]


@pytest.fixture
def found(monkeypatch):
    """The service, found as a task finds it."""
    with service.running(lambda: TASKS) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield


def test_what_became_of_the_tasks_of_its_job(found):
    client = clients.vertex(aiplatform_v1.PipelineServiceClient, "europe-west4")

    job = client.get_pipeline_job(
        name="projects/1/locations/local/pipelineJobs/taxi-2", timeout=9
    )

    details = job.job_detail.task_details
    assert {each.task_name: each.state.name for each in details} == {
        "A": "SUCCEEDED",
        "B": "FAILED",
    }
    assert details[0].end_time.timestamp() == 7


def test_nothing_else_is_answered(found):
    client = clients.vertex(aiplatform_v1.ModelServiceClient, "europe-west4")

    with (
        pytest.raises(CloudError, match=r"a rehearsal asks nothing .* \(UploadModel\)"),
        clients.asking("register the model"),
    ):
        client.upload_model(
            parent="projects/1/locations/local",
            model=aiplatform_v1.Model(display_name="trips"),
            timeout=9,
        )
