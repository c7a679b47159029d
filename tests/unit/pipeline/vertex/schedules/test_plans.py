"""The project's schedules are brought to what the file says, and no further."""

from __future__ import annotations

import datetime
import functools

import pytest
from google.cloud import aiplatform_v1
from google.protobuf import field_mask_pb2

from pipeline import errors
from pipeline.gcp import clients
from pipeline.vertex.job.job import Job
from pipeline.vertex.schedules import definition, messages, plans, service
from tests.fakes import google as google_lib
from tests.fakes import server

NOW = google_lib.NOW


def wanted(name: str = "nightly", **options):
    return definition.of_options({"name": name, "cron": "30 4 * * *", **options})


@pytest.fixture
def plan(trips, compiled, google):
    def plan(*names):
        live = service.listed(trips)
        return plans.plan(trips, compiled, names, live)

    return plan


@pytest.fixture
def apply(trips, plan):
    def apply(*names):
        for step in plan(*names):
            plans.apply(trips, step, NOW)

    return apply


def by_hand(live, **fields) -> None:
    """As somebody in the console would."""
    client = clients.vertex(aiplatform_v1.ScheduleServiceClient, server.REGION)
    changed = aiplatform_v1.Schedule(live)
    for name, value in fields.items():
        setattr(changed, name, value)
    client.update_schedule(
        schedule=changed, update_mask=field_mask_pb2.FieldMask(paths=[*fields])
    )


def actions(steps) -> dict[str, tuple[str, ...]]:
    return {step.name: step.actions for step in steps}


def test_what_is_not_there_is_created_and_the_second_time_nothing_happens(
    plan, apply, google
):
    first = plan(wanted(), wanted("weekly", paused=True))
    apply(wanted(), wanted("weekly", paused=True))
    second = plan(wanted(), wanted("weekly", paused=True))

    assert actions(first) == {"nightly": ("create",), "weekly": ("create", "pause")}
    assert actions(second) == {"nightly": (), "weekly": ()}
    states = {
        each.display_name: each.state.name for each in google.schedules.known.values()
    }
    assert states == {"nightly": "ACTIVE", "weekly": "PAUSED"}


def test_a_changed_file_updates_in_place(trips, plan, apply):
    apply(wanted())
    before = service.found(trips, "nightly")

    [step] = plan(wanted(cron="0 6 * * *", parameters={"training_model": "dnn"}))
    plans.apply(trips, step, NOW)

    assert step.actions == ("update",)
    assert [str(change) for change in step.changes] == [
        "cron: TZ=UTC 30 4 * * * -> TZ=UTC 0 6 * * *",
        "parameters: none -> training_model=dnn",
    ]
    after = service.found(trips, "nightly")
    assert (after.name, after.cron) == (before.name, "TZ=UTC 0 6 * * *")
    assert actions(
        plan(wanted(cron="0 6 * * *", parameters={"training_model": "dnn"}))
    ) == {"nightly": ()}


def test_another_job_keeps_the_resource_name(trips, compiled, apply, google):
    apply(wanted())
    before = service.found(trips, "nightly")
    labels = {**compiled.labels, "millrace-digest": "ab" * 20}
    account = "new@trips.iam.gserviceaccount.com"
    other = Job.from_dict(
        {**compiled.to_dict(), "labels": labels, "serviceAccount": account}
    )

    [step] = plans.plan(trips, other, [wanted()], service.listed(trips))
    plans.apply(trips, step, NOW)

    [change] = step.changes
    before_it = compiled.labels["millrace-digest"][:12]
    assert str(change) == f"job: {before_it} -> abababababab (serviceAccount)"
    assert [*google.schedules.known] == [before.name]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cron": "TZ=UTC 0 9 * * *"}, "cron: TZ=UTC 0 9 * * * -> TZ=UTC 30 4 * * *"),
        ({"max_concurrent_active_run_count": 5}, "max_concurrent: 5 -> 1"),
        ({"max_concurrent_run_count": 5}, "max_concurrent_starts: 5 -> 1"),
        ({"allow_queueing": True}, "allow_queueing: true -> false"),
        ({"display_name": "Nightly!"}, "name: Nightly! -> nightly"),
    ],
)
def test_a_change_by_hand_is_drift_and_is_brought_back(
    trips, plan, apply, google, fields, told
):
    apply(wanted())
    by_hand(service.found(trips, "nightly"), **fields)

    [step] = plan(wanted())
    plans.apply(trips, step, NOW)

    hand = "  (drift: changed by hand since it was applied)"
    assert [str(change) for change in step.changes] == [f"{told}{hand}"]
    assert actions(plan(wanted())) == {"nightly": ()}
    assert len(google.schedules.known) == 1


def test_a_change_of_the_file_beside_one_by_hand_is_told_apart(trips, plan, apply):
    apply(wanted())
    by_hand(service.found(trips, "nightly"), max_concurrent_active_run_count=5)

    [step] = plan(wanted(cron="0 6 * * *"))

    drifted = {change.field: change.by_hand for change in step.changes}
    assert drifted == {"cron": False, "max_concurrent": True}


def test_a_pause_by_hand_is_resumed_with_the_catch_up_of_the_file(
    trips, plan, apply, google
):
    apply(wanted())
    service.pause(trips, service.found(trips, "nightly"))

    [step] = plan(wanted(catch_up=True))
    plans.apply(trips, step, NOW)

    assert step.actions == ("resume",)
    assert google.cloud.asked("ResumeSchedule")[0].catch_up is True


def test_one_that_the_file_does_not_name_is_an_orphan(trips, plan, apply, google):
    apply(wanted(), wanted("old"))

    steps = plan(wanted())

    assert actions(steps) == {"nightly": (), "old": ("orphan",)}
    assert steps[1].why == "7002, active: of this pipeline, and not in the file"
    plans.apply(trips, steps[1], NOW)
    assert [each.display_name for each in google.schedules.known.values()] == [
        "nightly"
    ]


def test_schedules_of_other_pipelines_are_left_alone(trips, plan, apply, google):
    apply(wanted(), wanted("theirs"))
    theirs = service.found(trips, "theirs")
    job = google.schedules.known[theirs.name].create_pipeline_job_request.pipeline_job
    job.labels["millrace-pipeline"] = "penguins"

    assert actions(plan(wanted())) == {"nightly": ()}
    [_, step] = plan(wanted(), wanted("theirs"))
    with pytest.raises(errors.UsageError, match="7002 has that name and is not of"):
        plans.apply(trips, step, NOW)


def test_what_the_service_never_does_is_blocked(trips, plan, apply, google):
    apply(wanted(end="2026-12-31"), wanted("over", max_runs=1))
    over = service.found(trips, "over")
    at = datetime.datetime(2026, 11, 26, 4, 30, tzinfo=datetime.UTC)
    google.schedules.fire(over.name, at)

    steps = plan(wanted(), wanted("over", max_runs=2))

    assert actions(steps) == {"nightly": ("blocked",), "over": ("blocked",)}
    assert "Vertex cannot take away end" in steps[0].why
    assert "over is completed" in steps[1].why
    assert actions(plan(wanted(end="2026-12-31"), wanted("over", max_runs=1))) == {
        "nightly": (),
        "over": (),
    }


def test_two_of_one_name_are_blocked(trips, plan, apply, google):
    apply(wanted())
    twin = aiplatform_v1.Schedule(service.found(trips, "nightly"))
    twin.name = f"{server.PARENT}/schedules/8"
    google.schedules.known[twin.name] = twin

    [step] = plan(wanted())

    assert step.actions == ("blocked",)
    assert "there are 2 of it: " in step.why


def test_parameters_that_the_job_has_not_are_told_of_all_schedules(plan):
    with pytest.raises(errors.UsageError) as refused:
        plan(wanted(parameters={"x": 1}), wanted("weekly", parameters={"y": 1}))

    assert "nightly: " in str(refused.value)
    assert "weekly: " in str(refused.value)


@pytest.fixture
def hourly(google):
    """A schedule that would fire while its pause is on the way."""
    google.schedules.meanwhile.append(
        (
            "PauseSchedule",
            lambda: google.schedules.pass_time(datetime.timedelta(0, 300)),
        )
    )
    return functools.partial(wanted, cron="* * * * *", paused=True)


def test_one_that_is_to_be_paused_never_fires_in_between(
    trips, plan, apply, google, hourly
):
    apply(hourly())

    live = service.found(trips, "nightly")
    assert (service.state_of(live), live.started_run_count) == ("paused", 0)
    assert google.jobs.jobs == {}
    assert actions(plan(hourly())) == {"nightly": ()}
    assert messages.drift(live) == []


@pytest.mark.parametrize("start", ["2026-11-01", "2026-11-25T12:02", "2026-12-24"])
def test_a_paused_one_has_the_start_that_was_asked_for(
    trips, plan, apply, google, hourly, start
):
    apply(hourly(start=start))

    live = service.found(trips, "nightly")
    assert live.start_time == wanted(start=start).moment("start")
    assert google.jobs.jobs == {}
    assert actions(plan(hourly(start=start))) == {"nightly": ()}
    assert messages.drift(live) == []


def test_a_pause_that_did_not_arrive_says_until_when_to_repeat_it(apply, google):
    google.cloud.faults.append(("PauseSchedule", "PERMISSION_DENIED", "no"))

    with pytest.raises(errors.CloudError) as told:
        apply(wanted(paused=True))

    assert (
        "nightly is there and active, and starts nothing before 2026-11-25 12:10 UTC: "
        "`python vertex_runner.py schedule pause nightly` before then"
    ) in str(told.value)
    google.schedules.pass_time(datetime.timedelta(minutes=9))
    assert google.jobs.jobs == {}


def test_a_plan_that_was_cut_off_goes_on_where_it_stopped(trips, plan, apply, google):
    google.cloud.faults.append(("PauseSchedule", "UNAVAILABLE", "later"))

    with pytest.raises(errors.CloudUnavailable):
        apply(wanted(paused=True))

    assert actions(plan(wanted(paused=True))) == {"nightly": ("pause",)}
