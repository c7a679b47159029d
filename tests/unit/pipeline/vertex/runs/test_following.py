"""A run is looked at until it ends, patiently."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipeline.errors import CloudUnavailable
from pipeline.gcp import jobs
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import following, progress, request


@pytest.fixture
def run(google, job):
    """A run that started."""
    message = request.pipeline_job(google.config(), Job(job), {})
    name = jobs.create(google.config(), message, "trips-1").name
    advance = google.jobs.advance
    google.jobs.script += [
        lambda: advance(name, {"ExampleGen": "RUNNING"}, "RUNNING"),
        lambda: advance(name, {"ExampleGen": "SUCCEEDED", "Trainer": "RUNNING"}),
        lambda: advance(name, {"Trainer": "SUCCEEDED"}, "SUCCEEDED"),
    ]
    return "trips-1"


def follow(google, run, show=lambda job: None, every_s=10.0):
    told: list[str] = []
    pauses: list[float] = []
    job = following.follow(
        google.config(), run, show, told.append, every_s, pauses.append
    )
    return job, told, pauses


def test_each_look_is_shown_until_the_end(google, run):
    states = []

    job, told, pauses = follow(google, run, lambda job: states.append(job.state.name))

    assert jobs.state_of(job) == "SUCCEEDED"
    assert [s.removeprefix("PIPELINE_STATE_") for s in states] == [
        "RUNNING",
        "RUNNING",
        "SUCCEEDED",
    ]
    assert (told, pauses) == ([], [10.0, 10.0])


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_a_busy_service_is_waited_for_ever_longer_and_that_is_said_once(
    google, run, code
):
    google.cloud.faults += [("GetPipelineJob", code, "busy")] * 6

    job, told, pauses = follow(google, run)

    assert jobs.state_of(job) == "SUCCEEDED"
    assert pauses == [20.0, 40.0, 80.0, 120.0, 120.0, 120.0, 10.0, 10.0]
    assert len(told) == 1
    assert "the run goes on" in told[0]


def test_a_service_that_never_comes_back_ends_with_try_again(google, run):
    google.cloud.faults += [("GetPipelineJob", "UNAVAILABLE", "busy")] * 20

    with pytest.raises(CloudUnavailable):
        follow(google, run)


def test_patience_starts_anew_after_an_answer(google, run):
    busy = [("GetPipelineJob", "UNAVAILABLE", "busy")] * 12
    google.cloud.faults += busy
    start = google.jobs.script[0]
    google.jobs.script[0] = lambda: (start(), google.cloud.faults.extend(busy))

    job, told, _ = follow(google, run)

    assert jobs.state_of(job) == "SUCCEEDED"
    assert len(told) == 2


def test_without_a_terminal_each_change_is_a_line(google, run):
    out = io.StringIO()
    shown = progress.Progress(Console(file=out))

    with shown:
        follow(google, run, shown.show)

    assert [line.split() for line in out.getvalue().splitlines()] == [
        ["ExampleGen", "running"],
        ["ExampleGen", "succeeded", "3", "s"],
        ["Trainer", "running"],
        ["Trainer", "succeeded", "1", "s"],
    ]


def test_on_a_terminal_the_tasks_are_a_table(google, run):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80)

    with progress.Progress(console) as shown:
        follow(google, run, shown.show)

    assert "Trainer" in out.getvalue()


def test_what_vertex_calls_skipped_was_cached(google, run):
    google.jobs.script[2:] = []
    follow_up = google.name(run)
    google.jobs.script.append(
        lambda: google.jobs.advance(follow_up, {"Trainer": "SKIPPED"}, "SUCCEEDED")
    )

    job, _, _ = follow(google, run)

    assert [progress.state_of(task) for task in progress.tasks(job)] == [
        "succeeded",
        "cached",
    ]
