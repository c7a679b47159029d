"""A run on Vertex ends in the same word, and exit code, as one here."""

from __future__ import annotations

import json

import pytest
from google.cloud import aiplatform_v1

from pipeline.gcp import jobs
from pipeline.notifications import failure
from pipeline.runs.outcome import Outcome
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import ending, request

FOLDER = "gs://trips-bucket/millrace/runs"


@pytest.fixture
def ended(google, job):
    """Ends a run in that state, with these tasks; gives how it ended."""

    def ended(state: str, tasks=None, outputs=None, *settings: str):
        config = google.config(*settings)
        message = request.pipeline_job(config, Job(job), {})
        name = jobs.create(config, message, "trips-1").name
        google.jobs.advance(name, state="RUNNING")
        if state == "CANCELLED":
            google.jobs.advance(name, state="CANCELLING")
        google.jobs.advance(name, tasks, state, outputs)
        found = ending.of_job(config, jobs.get(config, "trips-1"))
        return found, ending.exit_code(config, found.outcome)

    return ended


def blessing(value: int) -> dict:
    artifact = aiplatform_v1.Artifact(name="b", metadata={"blessed": value})
    return {"Evaluator": {"blessing": artifact}}


def left(google, node: str, outcome: str) -> None:
    """What the task wrote into the bucket before it ended."""
    value = {"node": node, "outcome": outcome, "reasons": ["its own words"]}
    content = json.dumps(value).encode()
    google.rest.objects[f"{FOLDER}/trips-1/{failure.FILE}"] = content


@pytest.mark.parametrize(
    ("outputs", "outcome", "code"),
    [
        (None, Outcome.SUCCEEDED, 0),
        (blessing(1), Outcome.SUCCEEDED, 0),
        (blessing(0), Outcome.NOT_BLESSED, 4),
    ],
)
def test_a_run_that_went_well_is_judged_by_its_blessing(ended, outputs, outcome, code):
    found, exit_code = ended("SUCCEEDED", {"Evaluator": "SUCCEEDED"}, outputs)

    assert (found.outcome, exit_code) == (outcome, code)


def test_a_cached_evaluators_refusal_counts(ended):
    found, _ = ended("SUCCEEDED", {"Evaluator": "SKIPPED"}, blessing(0))

    assert found.outcome is Outcome.NOT_BLESSED


def test_a_refused_model_may_end_with_0(ended):
    found, code = ended("SUCCEEDED", None, blessing(0), "not_blessed_exit_code=0")

    assert (found.outcome, code) == (Outcome.NOT_BLESSED, 0)


def test_a_cancelled_run_is_one(ended):
    found, code = ended("CANCELLED", {"Trainer": "CANCELLED"})

    assert (found.outcome, found.node, code) == (Outcome.CANCELLED, None, 130)


@pytest.mark.parametrize(
    ("node", "outcome", "code"),
    [
        ("SchemaValidator", "DATA_REFUSED", 3),
        ("ExampleGen", "FAILED", 1),
        ("Pusher", "PUSH_FAILED", 5),
        ("Trainer", "FAILED", 1),
    ],
)
def test_the_failed_tasks_own_words_decide(google, ended, node, outcome, code):
    left(google, node, outcome)

    found, exit_code = ended("FAILED", {node: ("FAILED", "exited with 1")})

    assert (found.outcome.name, found.node, exit_code) == (outcome, node, code)
    assert found.reasons == ("its own words",)
    assert not found.is_guess


@pytest.mark.parametrize(
    ("node", "code"),
    [("SchemaValidator", 3), ("ExampleGen", 3), ("Pusher", 5), ("Trainer", 1)],
)
def test_without_words_the_tasks_name_decides_and_that_is_said(ended, node, code):
    found, exit_code = ended("FAILED", {node: ("FAILED", "exited with 1")})

    assert (found.node, exit_code, found.is_guess) == (node, code, True)
    assert found.reasons == ("exited with 1",)


def test_words_of_a_task_that_went_well_at_last_are_not_the_failed_ones(google, ended):
    left(google, "ExampleGen", "DATA_REFUSED")

    found, _ = ended(
        "FAILED", {"ExampleGen": "SUCCEEDED", "Trainer": ("FAILED", "no memory")}
    )

    assert (found.outcome, found.node) == (Outcome.FAILED, "Trainer")


def test_the_first_failure_is_the_reason(ended):
    found, _ = ended(
        "FAILED",
        {
            "tfx-dag": ("FAILED", "tasks failed"),
            "Transform": ("FAILED", "first"),
            "Pusher": ("FAILED", "second"),
        },
    )

    assert (found.node, found.reasons) == ("Transform", ("first",))


def test_a_run_may_fail_before_its_first_task(ended):
    found, code = ended("FAILED")

    assert (found.outcome, found.node, code) == (Outcome.FAILED, None, 1)


def test_a_bucket_that_cannot_be_read_leaves_the_tasks_name(google, ended):
    left(google, "SchemaValidator", "FAILED")
    google.rest.faults["/storage"] = 403

    found, code = ended("FAILED", {"SchemaValidator": ("FAILED", "")})

    assert (found.is_guess, code) == (True, 3)
