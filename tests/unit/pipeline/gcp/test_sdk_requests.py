"""What Google's own SDK sends for the same job and schedule, we send, too."""

from __future__ import annotations

import json

import pytest
from google.cloud import aiplatform
from google.protobuf import json_format

from pipeline.gcp import jobs, schedules
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import request
from tests.fakes import server
from tests.fakes.google import ACCOUNT

GIVEN = {"training_train_steps": "3"}


@pytest.fixture
def sdk(google, job, tmp_path, monkeypatch):
    """The SDK's job of the same file, on the same loopback."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{google.rest.address}")
    whole = {"components": {}, "deploymentSpec": {}, "sdkVersion": "tfx"}
    job["pipelineSpec"] |= whole
    file = tmp_path / "whole.json"
    file.write_text(json.dumps(job), encoding="utf-8")
    aiplatform.init(
        project=server.PROJECT,
        location=server.REGION,
        api_endpoint=google.cloud.address,
    )
    return aiplatform.PipelineJob(
        display_name=job["displayName"],
        template_path=str(file),
        job_id="trips-1",
        pipeline_root=job["runtimeConfig"]["gcsOutputDirectory"],
        parameter_values=GIVEN,
        failure_policy="slow",
    )


def plain(message) -> dict:
    return json_format.MessageToDict(type(message).pb(message))


def test_a_job_is_submitted_as_the_sdk_does(google, job, sdk):
    sdk.submit(service_account=ACCOUNT)
    config = google.config()
    message = request.pipeline_job(config, Job(job), GIVEN)
    jobs.create(config, message, "trips-2")

    theirs, ours = map(plain, google.cloud.asked("CreatePipelineJob"))
    assert ours.pop("pipelineJobId") == "trips-2"
    assert theirs.pop("pipelineJobId") == "trips-1"
    del ours["pipelineJob"]["labels"]  # whose they are, the SDK does not say
    assert ours == theirs


def test_a_schedule_is_made_changed_and_deleted_as_the_sdk_does(google, job, sdk):
    made = sdk.create_schedule(
        cron="TZ=UTC 0 4 * * *",
        display_name="theirs",
        max_concurrent_run_count=1,
        service_account=ACCOUNT,
    )
    made.update(cron="TZ=UTC 0 5 * * *")
    made.delete()
    config = google.config()
    wanted = schedules.message(
        config,
        request.pipeline_job(config, Job(job), GIVEN),
        display_name="ours",
        cron="TZ=UTC 0 4 * * *",
        max_concurrent_run_count=1,
    )
    live = schedules.create(config, wanted)
    live.cron = "TZ=UTC 0 5 * * *"
    schedules.update(config, live, ["cron"])
    schedules.delete(config, live)

    theirs, ours = (plain(each) for each in google.cloud.asked("CreateSchedule"))
    assert theirs["parent"] == ours["parent"]
    lacking = {*theirs["schedule"]} - {*ours["schedule"]}
    assert lacking == set()
    of_theirs = theirs["schedule"]["createPipelineJobRequest"]
    of_ours = ours["schedule"]["createPipelineJobRequest"]
    assert {*of_theirs} == {*of_ours} == {"parent", "pipelineJob"}
    for name, value in of_theirs["pipelineJob"].items():
        assert of_ours["pipelineJob"][name] == value
    deleted = [each.name for each in google.cloud.asked("DeleteSchedule")]
    assert deleted == [made.resource_name, live.name]
    updates = google.cloud.asked("UpdateSchedule")
    assert [list(each.update_mask.paths) for each in updates] == [["cron"]] * 2
    assert {each.schedule.cron for each in updates} == {"TZ=UTC 0 5 * * *"}
