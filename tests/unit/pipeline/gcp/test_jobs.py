"""Jobs are started once, whatever becomes of the answer."""

from __future__ import annotations

import datetime
import re

import pytest

from pipeline.errors import CloudError, CloudUnavailable, UsageError
from pipeline.gcp import jobs
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import request


@pytest.fixture
def message(google, job):
    return request.pipeline_job(google.config(), Job(job), {})


def create(google, message, run="chicago-taxi-1", **more):
    return jobs.create(google.config(), message, run, pause=lambda s: None, **more)


def test_an_id_has_the_time_and_is_one_that_vertex_takes():
    now = datetime.datetime(2026, 3, 2, 4, 5, 6, tzinfo=datetime.UTC)

    found = jobs.new_id("chicago-taxi", now)

    assert re.fullmatch(r"chicago-taxi-20260302040506-[0-9a-f]{4}", found)
    assert jobs.new_id("chicago-taxi", now) != found


def test_a_job_is_started_where_the_configuration_says(google, message):
    started = create(google, message)

    assert started.name == google.name("chicago-taxi-1")
    assert jobs.state_of(started) == "PENDING"


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_a_busy_service_is_asked_again_with_the_same_id_and_that_is_said_once(
    google, message, code
):
    google.cloud.faults += [("CreatePipelineJob", code, "busy")] * 2
    told = []

    create(google, message, tell=told.append)

    asked = google.cloud.asked("CreatePipelineJob")
    assert [r.pipeline_job_id for r in asked] == ["chicago-taxi-1"] * 3
    [words] = told
    assert words.startswith("submit the job: busy. Nothing is lost")
    assert words.endswith("(it is being tried again, with the same id)")


def test_a_service_that_stays_busy_ends_with_try_again(google, message):
    google.cloud.faults += [("CreatePipelineJob", "UNAVAILABLE", "busy")] * 9

    with pytest.raises(CloudUnavailable):
        create(google, message)

    assert len(google.cloud.asked("CreatePipelineJob")) == 5


def test_an_answer_that_got_lost_does_not_start_a_second_job(google, message):
    google.jobs.lose_answers = 1

    started = create(google, message)

    assert started.name == google.name("chicago-taxi-1")
    assert len(google.cloud.asked("CreatePipelineJob")) == 2
    assert len(google.jobs.jobs) == 1


def test_an_id_that_is_taken_is_refused(google, message, job):
    create(google, message)
    second = request.pipeline_job(google.config(), Job(job), {})

    with pytest.raises(UsageError, match="a job chicago-taxi-1 already, pending"):
        create(google, second)


def test_an_id_that_is_taken_is_not_ours_because_an_attempt_failed(
    google, message, job
):
    create(google, message)
    google.cloud.faults.append(("CreatePipelineJob", "UNAVAILABLE", "busy"))
    second = request.pipeline_job(google.config(), Job(job), {})

    with pytest.raises(UsageError, match="already"):
        create(google, second)


def test_a_project_that_is_not_there_is_said(google, message):
    with pytest.raises(CloudError, match="location projects/other/locations"):
        jobs.create(google.config("vertex.project=other"), message, "trips-1")


def test_an_unknown_run_is_the_users_mistake(google):
    with pytest.raises(UsageError, match="no run trips-9 in projects/trips-project/"):
        jobs.get(google.config(), "trips-9")


def test_the_newest_runs_of_this_pipeline_are_listed(google, job):
    for number in range(3):
        create(
            google, request.pipeline_job(google.config(), Job(job), {}), f"run-{number}"
        )
    job["pipelineSpec"]["pipelineInfo"]["name"] = "other"
    create(google, request.pipeline_job(google.config(), Job(job), {}), "other-1")
    google.jobs.advance(google.name("run-1"), state="RUNNING")

    def listed(*states, limit=20, every=False):
        found = jobs.newest(google.config(), states, limit, every)
        return [each.name.rsplit("/", 1)[-1] for each in found]

    assert listed() == ["run-2", "run-1", "run-0"]
    assert listed(limit=2) == ["run-2", "run-1"]
    assert listed("RUNNING", "FAILED") == ["run-1"]
    assert listed(every=True) == ["other-1", "run-2", "run-1", "run-0"]


def test_a_list_goes_on_over_pages(google, job):
    for number in range(103):
        made = request.pipeline_job(google.config(), Job(job), {})
        made.name = google.name(f"run-{number}")
        google.jobs.add(made)

    assert len(jobs.newest(google.config(), limit=102)) == 102
    assert len(google.cloud.asked("ListPipelineJobs")) == 2


def test_only_a_run_that_goes_on_is_cancelled(google, message):
    create(google, message)

    jobs.cancel(google.config(), "chicago-taxi-1")

    name = google.name("chicago-taxi-1")
    assert google.jobs.jobs[name].state.name == "PIPELINE_STATE_CANCELLING"
    google.jobs.advance(name, state="CANCELLED")
    with pytest.raises(UsageError, match="it has ended already, cancelled"):
        jobs.cancel(google.config(), "chicago-taxi-1")


def test_only_a_run_that_ended_is_deleted(google, message):
    started = create(google, message)

    with pytest.raises(UsageError, match="cancel chicago-taxi-1"):
        jobs.delete(google.config(), started)
    google.jobs.advance(started.name, state="RUNNING")
    google.jobs.advance(started.name, state="FAILED")
    jobs.delete(google.config(), jobs.get(google.config(), "chicago-taxi-1"))

    assert google.jobs.jobs == {}


def test_without_permission_the_role_can_be_found_out(google, message):
    google.cloud.faults.append(("CreatePipelineJob", "PERMISSION_DENIED", "no role"))

    with pytest.raises(CloudError, match=r"no role. `python vertex_runner.py check`"):
        create(google, message)


def test_a_parameter_that_the_job_has_not_is_refused_by_the_service(google, job):
    made = request.pipeline_job(google.config(), Job(job), {"x": "1"})

    with pytest.raises(CloudError, match="Unknown runtime parameter: x"):
        create(google, made)


@pytest.fixture
def ended(google, message):
    """A job that may be deleted."""
    started = create(google, message)
    google.jobs.advance(started.name, state="FAILED")
    return jobs.get(google.config(), "chicago-taxi-1")


def test_a_deletion_is_waited_for(google, ended):
    google.operations.polls = 3

    jobs.delete(google.config(), ended)

    assert len(google.cloud.asked("GetOperation")) == 3
    assert google.jobs.jobs == {}


def test_a_deletion_that_takes_longer_ends_in_words(google, ended, monkeypatch):
    monkeypatch.setattr(jobs, "_DELETE_S", 0.1)
    google.operations.polls = 1_000

    with pytest.raises(CloudUnavailable) as told:
        jobs.delete(google.config(), ended)

    assert str(told.value) == (
        "delete chicago-taxi-1: has not ended in the time that is waited for, and goes "
        "on there. Look in some minutes what became of it; it can be asked for again"
    )


def test_a_deletion_that_fails_is_quoted(google, ended):
    google.operations.fails.append(("FAILED_PRECONDITION", "artifacts are locked"))

    with pytest.raises(CloudError, match="delete chicago-taxi-1: artifacts are locked"):
        jobs.delete(google.config(), ended)

    assert ended.name in google.jobs.jobs


def test_a_deletion_that_nobody_remembers_is_told(google, ended):
    google.operations.lost = 1

    with pytest.raises(CloudUnavailable, match="knows nothing of it any more"):
        jobs.delete(google.config(), ended)
