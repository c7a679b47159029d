"""Days on which a schedule fires and has no job get one, once."""

from __future__ import annotations

import datetime
import json

import pytest
from google.cloud import aiplatform_v1
from google.protobuf import json_format

from pipeline import errors
from pipeline.vertex.schedules import backfill, definition, messages, service

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
FIRST, LAST = datetime.date(2026, 11, 20), datetime.date(2026, 11, 23)


@pytest.fixture
def live(trips, compiled, google):
    """Each day at 00:30 in Berlin, which is the day before in UTC."""
    wanted = definition.of_options(
        {
            "name": "nightly",
            "cron": "30 0 * * *",
            "timezone": "Europe/Berlin",
            "parameters": {"training_model": "linear"},
        }
    )
    return service.create(trips, messages.message(trips, compiled, wanted))


@pytest.fixture
def days(trips, live):
    def days(first=FIRST, last=LAST):
        return backfill.days(trips, live, first, last, NOW)

    return days


@pytest.fixture
def submit(trips, live, days, google):
    """What was told; `sleep` is called instead of waiting."""

    def submit(retry_failed=False, at_once=None, sleep=lambda seconds: None):
        missing = [day for day in days() if day.is_missing(retry_failed)]
        told: list[str] = []
        backfill.submit(trips, live, missing, at_once, told.append, sleep)
        return told

    return submit


def end(google, name: str, state: str) -> None:
    google.jobs.advance(name, state="RUNNING")
    if state == "CANCELLED":
        google.jobs.advance(name, state="CANCELLING")
    google.jobs.advance(name, state=state)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def test_every_day_without_a_job_gets_one_with_its_date(submit, google):
    told = submit()

    assert told == [
        f"2026-11-{day}  chicago-taxi-nightly-202611{day}" for day in (20, 21, 22, 23)
    ]
    for day, job in zip((20, 21, 22, 23), google.jobs.jobs.values(), strict=True):
        given = dict(job.runtime_config.parameter_values)
        said = json.loads(given.pop("origin"))
        assert said["trigger"] == f"backfill nightly 2026-11-{day}"
        assert given == {"training_model": "linear", "run_date": f"2026-11-{day}"}
        assert job.labels["millrace-run-date"] == f"2026-11-{day}"
        assert job.labels["millrace-schedule"] == "nightly"
        assert "millrace-applied" not in job.labels


def test_its_jobs_take_the_date_from_the_parameter(submit, google):
    submit()

    [job, *_] = google.jobs.jobs.values()
    spec = json_format.MessageToDict(aiplatform_v1.PipelineJob.pb(job).pipeline_spec)
    task = spec["components"]["tfx-dag"]["dag"]["tasks"]["ExampleGen"]
    source = task["inputs"]["parameters"]["run_date"]
    assert source == {"componentInputParameter": "run_date"}


def test_asked_twice_it_submits_nothing(submit, google):
    submit()

    assert submit() == []
    assert len(google.jobs.jobs) == 4


def test_a_day_that_the_schedule_ran_is_not_run_again(submit, live, google):
    # 00:30 of the 21st in Berlin.
    google.schedules.fire(live.name, at("2026-11-20T23:30"))

    assert [line[:10] for line in submit()] == [
        "2026-11-20",
        "2026-11-22",
        "2026-11-23",
    ]


def test_a_late_run_has_the_date_that_the_service_recorded(submit, live, google):
    """Queued, or caught up: it was made long after the time it is for."""
    job = google.schedules.fire(live.name, at("2026-11-22T23:40"))
    google.jobs.advance(job.name, {"ExampleGen": "RUNNING"})
    [task] = job.job_detail.task_details
    task.execution.metadata = {"input:run_date": "2026-11-20T23:30:00Z"}

    assert [line[:10] for line in submit()] == [
        "2026-11-20",
        "2026-11-22",
        "2026-11-23",
    ]


def test_a_list_that_shows_no_details_is_not_believed(submit, live, google):
    """python-aiplatform#4341: a job that ran late belongs to the day it is for."""
    before = google.schedules.fire(live.name, at("2026-11-18T23:30"))
    end(google, before.name, "SUCCEEDED")
    late = google.schedules.fire(live.name, at("2026-11-22T23:40"))
    google.jobs.advance(late.name, {"ExampleGen": "RUNNING"})

    submit()

    [asked] = google.cloud.asked("GetPipelineJob")
    assert asked.name == late.name
    [listed] = google.cloud.asked("ListPipelineJobs")
    assert "job_detail" not in listed.read_mask.paths


def test_a_job_that_the_list_does_not_show_yet_counts_as_under_way(submit, google):
    google.jobs.list_lag = 3
    waited: list[int] = []

    def sleep(seconds: float) -> None:
        waited.append(len(google.jobs.jobs))
        for name, job in google.jobs.jobs.items():
            if job.state.name.endswith("PENDING") and len(waited) % 5 == 0:
                end(google, name, "SUCCEEDED")

    submit(at_once=1, sleep=sleep)

    assert waited == [*[1] * 5, *[2] * 5, *[3] * 5]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_failed_day_is_run_again_only_when_asked(submit, google, state):
    submit()
    end(google, [*google.jobs.jobs][1], state)

    assert submit() == []
    assert submit(retry_failed=True) == ["2026-11-21  chicago-taxi-nightly-20261121-2"]
    assert submit(retry_failed=True) == []


def test_there_are_no_more_at_once_than_the_schedule_allows(submit, google):
    waited: list[int] = []

    def sleep(seconds: float) -> None:
        under_way = [
            name
            for name, job in google.jobs.jobs.items()
            if job.state.name.endswith(("PENDING", "RUNNING"))
        ]
        waited.append(len(under_way))
        end(google, under_way[0], "SUCCEEDED")

    told = submit(at_once=2, sleep=sleep)

    assert [line[8:10] for line in told] == ["20", "21", "22", "23"]
    assert waited == [2, 2]


def test_a_job_that_another_made_meanwhile_is_no_error(trips, live, days, submit):
    before = days()
    submit()
    told: list[str] = []

    backfill.submit(trips, live, before, None, told.append)

    assert len(told) == 4
    assert all(line.endswith("was there already") for line in told)


def test_a_busy_service_loses_nothing(submit, google):
    google.cloud.faults.append(("CreatePipelineJob", "RESOURCE_EXHAUSTED", "quota"))

    with pytest.raises(errors.CloudUnavailable):
        submit()

    assert len(submit()) == 4


def test_a_run_that_has_not_started_its_first_task_has_the_day_it_was_made(
    submit, live, google
):
    job = google.schedules.fire(live.name, at("2026-11-20T23:31"))
    google.jobs.advance(job.name, {"ExampleGen": "PENDING"})

    assert [line[8:10] for line in submit()] == ["20", "22", "23"]


def test_days_to_come_are_left_to_the_schedule(days):
    found = days(datetime.date(2026, 11, 24), datetime.date(2026, 12, 24))

    assert [day.date.day for day in found] == [24, 25]


def test_days_on_which_it_never_fired_are_a_mistake(trips, compiled, google):
    wanted = definition.of_options({"name": "monthly", "cron": "0 0 1 * *"})
    live = service.create(trips, messages.message(trips, compiled, wanted))

    with pytest.raises(errors.UsageError, match="has fired on no day from 2026-11-20"):
        backfill.days(trips, live, FIRST, LAST, NOW)
