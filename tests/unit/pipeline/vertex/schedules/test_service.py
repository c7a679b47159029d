"""Schedules on Vertex: made once, changed in place, and never out of their states."""

from __future__ import annotations

import datetime

import pytest
from google.cloud import aiplatform_v1
from google.protobuf import json_format

from pipeline import errors
from pipeline.gcp import schedules
from pipeline.vertex.job.job import Job
from pipeline.vertex.schedules import definition, messages, service
from tests.fakes import server


def wanted(name: str = "nightly", **options):
    return definition.of_options({"name": name, "cron": "30 4 * * *", **options})


@pytest.fixture
def message(trips, compiled):
    def message(name: str = "nightly", **options):
        return messages.message(trips, compiled, wanted(name, **options))

    return message


@pytest.fixture
def make(trips, google, message):
    """A schedule that is there; as the service gives it."""

    def make(name: str = "nightly", **options):
        return service.create(trips, message(name, **options))

    return make


def spec_of(job) -> dict:
    return json_format.MessageToDict(aiplatform_v1.PipelineJob.pb(job).pipeline_spec)


def test_a_new_one_says_all_that_was_asked_for(trips, make):
    live = make(
        timezone="Europe/Berlin",
        start="2026-12-01",
        end="2026-12-31T12:00:00+00:00",
        max_runs=7,
        max_concurrent=2,
        allow_queueing=True,
        parameters={"training_model": "linear"},
    )

    assert live.name.startswith(f"{server.PARENT}/schedules/")
    assert live.cron == "TZ=Europe/Berlin 30 4 * * *"
    assert live.start_time.isoformat() == "2026-11-30T23:00:00+00:00"
    assert live.end_time.isoformat() == "2026-12-31T12:00:00+00:00"
    assert live.max_run_count == 7
    assert (live.max_concurrent_run_count, live.max_concurrent_active_run_count) == (
        2,
        2,
    )
    assert live.allow_queueing
    assert messages.parameters_of(live) == {"training_model": "linear"}
    job = messages.template_of(live)
    assert job.labels["millrace-schedule"] == "nightly"
    assert job.labels["millrace-pipeline"] == "chicago-taxi"
    assert messages.belongs_to(live, "chicago-taxi")
    assert messages.drift(live) == []


def test_each_of_its_runs_gets_the_time_that_it_is_scheduled_for(make, google):
    live = make(timezone="Europe/Berlin")

    run = google.schedules.fire(
        live.name, datetime.datetime(2026, 11, 26, 3, 30, tzinfo=datetime.UTC)
    )

    spec = spec_of(run)
    tasks = spec["components"]["tfx-dag"]["dag"]["tasks"]
    source = tasks["ExampleGen"]["inputs"]["parameters"]["run_date"]
    assert source == {
        "runtimeValue": {"constant": "{{$.pipeline_job_schedule_time_utc}}"}
    }
    assert run.schedule_name == live.name
    executor = spec["deploymentSpec"]["executors"]["ExampleGen_executor"]
    assert executor["container"]["args"][-2:] == ["--run_date_zone", "Europe/Berlin"]


def test_a_second_one_of_the_name_is_refused_and_pointed_to_update(trips, make):
    make()

    with pytest.raises(errors.UsageError) as refused:
        make()

    assert str(refused.value) == (
        "there is a schedule named 'nightly' (7001, active). To change it: "
        "python vertex_runner.py schedule update nightly"
    )


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"training_modle": "dnn"}, "Did you mean 'training_model'?"),
        ({"training_train_steps": "abc"}, "should be a valid integer"),
    ],
)
def test_a_parameter_that_the_job_does_not_take_is_refused(
    message, parameters, problem
):
    with pytest.raises(errors.UsageError) as refused:
        message(parameters=parameters)

    assert problem in str(refused.value)


def test_one_is_found_by_name_number_and_resource_name(trips, make):
    live = make()

    for name in ("nightly", "7001", live.name):
        assert service.found(trips, name) == live


def test_one_that_is_not_there_gets_close_names(trips, make):
    make()
    make("weekly")

    with pytest.raises(errors.UsageError) as close:
        service.found(trips, "nihgtly")
    with pytest.raises(errors.UsageError) as far:
        service.found(trips, "x")

    assert str(close.value) == "there is no schedule 'nihgtly'. Did you mean 'nightly'?"
    assert str(far.value) == "there is no schedule 'x'. Known: nightly, weekly"


def test_two_of_one_name_are_told_apart_by_number(trips, make, google):
    live = make()
    twin = aiplatform_v1.Schedule(live)
    twin.name = f"{server.PARENT}/schedules/8"
    google.schedules.known[twin.name] = twin

    with pytest.raises(errors.UsageError, match=r"say which by its number: 7001, 8"):
        service.found(trips, "nightly")
    assert service.found(trips, "8").name == twin.name


def test_all_pages_of_the_list_are_read(trips, make, google):
    live = make()
    for number in range(150):
        twin = aiplatform_v1.Schedule(live)
        twin.name, twin.display_name = (
            f"{server.PARENT}/schedules/{number}",
            f"s{number}",
        )
        google.schedules.known[twin.name] = twin

    assert len(service.listed(trips)) == 151
    assert len(google.cloud.asked("ListSchedules")) == 3  # one before create


def test_with_max_concurrent_1_two_are_never_under_way(make, google):
    """The service's max_concurrent_run_count limits how many are started at a time."""
    live = make(cron="0 * * * *")

    google.schedules.pass_time(datetime.timedelta(hours=2))

    assert len(google.jobs.jobs) == 1
    [run] = google.jobs.jobs.values()
    google.jobs.advance(run.name, state="RUNNING")
    google.jobs.advance(run.name, state="SUCCEEDED")
    google.schedules.pass_time(datetime.timedelta(hours=1))
    assert len(google.jobs.jobs) == 2
    assert live.max_concurrent_run_count == 1


def test_one_of_an_older_millrace_gets_the_limit_and_nobody_is_accused(
    trips, make, message, google
):
    live = make()
    older = google.schedules.known[live.name]
    older.max_concurrent_active_run_count = 0
    labels = older.create_pipeline_job_request.pipeline_job.labels
    labels["millrace-applied"] = "0" * 63  # digests of other fields

    [change] = service.update(trips, service.found(trips, "nightly"), message())

    assert str(change) == "max_concurrent: none -> 1"
    after = service.found(trips, "nightly")
    assert after.max_concurrent_active_run_count == 1


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"cron": "0 6 * * *"}, ["cron"]),
        ({"timezone": "Europe/Berlin"}, ["cron", "job"]),
        ({"start": "2026-12-01"}, ["start"]),
        ({"end": "2026-12-01"}, ["end"]),
        ({"max_runs": 9}, ["max_runs"]),
        ({"max_concurrent": 3}, ["max_concurrent", "max_concurrent_starts"]),
        ({"allow_queueing": True}, ["allow_queueing"]),
        ({"parameters": {"training_model": "dnn"}}, ["parameters"]),
        ({}, []),
    ],
)
def test_an_update_changes_that_field_and_keeps_the_resource_name(
    trips, make, message, google, options, fields
):
    live = make()

    changes = service.update(trips, live, message(**options))

    assert [change.field for change in changes] == fields
    after = service.found(trips, "nightly")
    assert after.name == live.name
    assert messages.changes(after, message(**options)) == []
    assert messages.drift(after) == []
    for request in google.cloud.asked("UpdateSchedule"):
        paths = {change.path for change in changes} | {"create_pipeline_job_request"}
        assert set(request.update_mask.paths) == paths


def test_an_update_can_change_template_and_service_account(trips, make, compiled):
    live = make()
    account = "new@trips.iam.gserviceaccount.com"
    labels = {**compiled.labels, "team": "rides"}
    changed = Job.from_dict(
        {**compiled.to_dict(), "serviceAccount": account, "labels": labels}
    )

    [change] = service.update(trips, live, messages.message(trips, changed, wanted()))

    assert change.field == "job"
    after = service.found(trips, "nightly")
    assert after.name == live.name
    template = messages.template_of(after)
    assert template.service_account == account
    assert template.labels["team"] == "rides"


@pytest.mark.parametrize("options", [{"end": "2026-12-31"}, {"max_runs": 5}])
def test_what_the_service_never_takes_away_is_told_before_it_is_asked(
    trips, make, message, google, options
):
    live = make(**options)

    with pytest.raises(errors.UsageError, match="Vertex cannot take away") as refused:
        service.update(trips, live, message())

    assert "schedule delete nightly" in str(refused.value)
    assert google.cloud.asked("UpdateSchedule") == []


def test_a_pause_and_a_resume_with_catch_up_really_sent(trips, make, google):
    make()

    service.pause(trips, service.found(trips, "nightly"))
    paused = service.found(trips, "nightly")
    service.resume(trips, paused, catch_up=True)

    resumed = service.found(trips, "nightly")
    assert service.state_of(paused) == "paused"
    assert (service.state_of(resumed), resumed.catch_up) == ("active", True)
    [request] = google.cloud.asked("ResumeSchedule")
    assert request.catch_up is True


def test_what_its_state_does_not_allow_is_told_without_asking(trips, make, google):
    live = make()

    with pytest.raises(errors.UsageError, match="nightly is active: only paused"):
        service.resume(trips, live, catch_up=False)
    service.pause(trips, live)
    paused = service.found(trips, "nightly")
    with pytest.raises(errors.UsageError, match="nightly is paused: only active"):
        service.pause(trips, paused)

    assert google.cloud.asked("ResumeSchedule") == []
    assert len(google.cloud.asked("PauseSchedule")) == 1


def test_a_completed_one_is_never_changed(trips, make, message, google):
    live = make(max_runs=1)
    at = datetime.datetime(2026, 11, 26, 4, 30, tzinfo=datetime.UTC)
    google.schedules.fire(live.name, at)
    over = service.found(trips, "nightly")

    with pytest.raises(errors.UsageError, match="nightly is completed"):
        service.update(trips, over, message(max_runs=2))
    with pytest.raises(errors.UsageError, match="nightly is completed: only"):
        service.resume(trips, over, catch_up=False)


def test_a_deleted_one_is_gone(trips, make):
    schedules.delete(trips, make())

    assert service.listed(trips) == []


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("UNAVAILABLE", errors.CloudUnavailable, "try again in some minutes"),
        ("RESOURCE_EXHAUSTED", errors.CloudUnavailable, "try again in some minutes"),
        ("PERMISSION_DENIED", errors.CloudError, "permission denied: "),
    ],
)
def test_a_service_that_says_no_is_told_in_a_line(
    trips, make, google, code, kind, words
):
    google.cloud.faults.append(("CreateSchedule", code, "Quota or role"))

    with pytest.raises(kind, match=f"create the schedule nightly: .*{words}"):
        make()


def test_a_live_one_is_read_back_as_it_was_wanted(make):
    options = {
        "timezone": "Europe/Berlin",
        "end": "2026-12-31",
        "max_concurrent": 2,
        "parameters": {"training_model": "dnn"},
    }

    found = service.as_wanted(make(**options))

    assert found.when.vertex == "TZ=Europe/Berlin 30 4 * * *"
    assert found.moment("end").isoformat() == "2026-12-30T23:00:00+00:00"
    assert found.start is None
    assert (found.max_concurrent, found.max_runs) == (2, None)
    assert found.texts == {"training_model": "dnn"}
