"""Google's services are found where gcloud's variables say, and answer in words."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud import aiplatform_v1
from google.cloud.aiplatform_v1.types import pipeline_job, pipeline_service

from pipeline import errors
from pipeline.gcp import clients
from tests.fakes import server

JOB = f"{server.PARENT}/pipelineJobs/trips-1"


class Jobs:
    """A PipelineService that knows every job."""

    name = "google.cloud.aiplatform.v1.PipelineService"

    def methods(self):
        return {
            "GetPipelineJob": server.Method(
                pipeline_service.GetPipelineJobRequest,
                pipeline_job.PipelineJob,
                lambda request: pipeline_job.PipelineJob(name=request.name),
            )
        }


@pytest.fixture
def cloud():
    with server.running(Jobs()) as cloud, cloud.here():
        yield cloud


def get() -> str:
    client = clients.vertex(aiplatform_v1.PipelineServiceClient, server.REGION)
    with clients.asking("find the job"):
        return client.get_pipeline_job(name=JOB, timeout=10).name


def test_a_client_finds_the_service_and_brings_its_credentials(cloud):
    assert get() == JOB
    assert [method for method, _ in cloud.calls] == ["GetPipelineJob"]


def test_without_a_variable_the_service_is_where_google_has_it(monkeypatch):
    monkeypatch.delenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM", raising=False)

    found = clients.address("aiplatform", "https://europe-west4-aiplatform.x/")

    assert found == "https://europe-west4-aiplatform.x"


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_a_busy_service_may_be_asked_again(cloud, code):
    cloud.faults.append(("GetPipelineJob", code, "quota of the hour."))

    with pytest.raises(errors.CloudUnavailable) as caught:
        get()

    assert str(caught.value) == (
        "find the job: quota of the hour. Nothing is lost; try again in some minutes"
    )


def test_a_service_that_says_no_is_quoted(cloud):
    cloud.faults.append(("GetPipelineJob", "NOT_FOUND", "no such job"))

    with pytest.raises(errors.CloudError) as caught:
        get()

    assert str(caught.value) == "find the job: no such job"
    assert not isinstance(caught.value, errors.CloudUnavailable)


def test_a_denied_permission_leads_to_the_check():
    denied = exceptions.PermissionDenied("iam.serviceAccounts.actAs")

    with (
        pytest.raises(errors.CloudError, match=r"permission denied: iam.*check"),
        clients.asking("submit"),
    ):
        raise denied


def test_a_machine_without_credentials_is_told_how_to_get_some(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(errors.CloudError, match="gcloud auth application-default"):
        clients.vertex(aiplatform_v1.PipelineServiceClient, server.REGION)


def test_credentials_that_ran_out_are_no_credentials():
    with (
        pytest.raises(errors.CloudError, match="no usable Google credentials: ran out"),
        clients.asking("submit"),
    ):
        raise auth_exceptions.RefreshError("ran out")


@pytest.mark.parametrize("code", ["ABORTED", "INTERNAL", "UNAVAILABLE"])
def test_what_may_succeed_later_is_told_apart(cloud, code):
    cloud.faults.append(("GetPipelineJob", code, "later"))

    with pytest.raises(errors.CloudUnavailable, match="try again in some minutes"):
        get()


@pytest.mark.parametrize(
    "code", ["INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"]
)
def test_what_never_succeeds_is_told_apart(cloud, code):
    cloud.faults.append(("GetPipelineJob", code, "never"))

    with pytest.raises(errors.CloudError, match="never") as refused:
        get()
    assert not isinstance(refused.value, errors.CloudUnavailable)


@pytest.mark.parametrize(
    "error",
    [
        auth_exceptions.TransportError("oauth2.googleapis.com does not answer"),
        auth_exceptions.RefreshError("backend error", retryable=True),
    ],
    ids=["transport", "refresh"],
)
def test_a_way_to_the_credentials_that_is_cut_may_be_asked_again(error):
    with (
        pytest.raises(errors.CloudUnavailable, match="try again in some minutes"),
        clients.asking("submit"),
    ):
        raise error


def test_an_operation_that_takes_too_long_ends_in_words():
    with (
        pytest.raises(errors.CloudUnavailable, match=r"delete trips-1: has not ended"),
        clients.asking("delete trips-1"),
    ):
        raise TimeoutError
