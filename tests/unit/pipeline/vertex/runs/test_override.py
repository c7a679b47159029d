"""A run that was refused on Vertex, pushed by a person's word: its job once more."""

from __future__ import annotations

import json
import subprocess
import sys
from unittest import mock

import pytest
import typer
from google.cloud import aiplatform_v1

from pipeline.commands import console, gate, vertex_gate
from pipeline.errors import UsageError
from pipeline.gcp import job_message, jobs
from pipeline.registry.versions import Override
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import ending, override, request

WHO = ("--by", "ada", "--reason", "the slice is three rows")
SAID = Override(by="ada", reason="the slice is three rows", at=1_795_000_000.5)
MODEL = "gs://trips-bucket/millrace/artifacts/1/trips-1/Trainer_0/model"
VERDICT = {"word": "NOT_BLESSED", "reasons": ["auc is low"], "checks": []}


def artifact(**metadata) -> aiplatform_v1.Artifact:
    return aiplatform_v1.Artifact(name="a", uri=MODEL, metadata=metadata)


def outputs(blessed: int = 0) -> dict:
    return {
        "Trainer": {"model": artifact()},
        "Evaluator": {
            "blessing": artifact(blessed=blessed),
            "evaluation": artifact(verdict_details=json.dumps(VERDICT)),
        },
        "Pusher": {"pushed_model": artifact(pushed=0)},
    }


@pytest.fixture
def run(google, compiled):
    """A job that ended so; gives its name."""

    def run(made=None, job=None, given=None, state="SUCCEEDED", run_id="trips-1"):
        message = request.pipeline_job(google.config(), job or compiled, given or {})
        name = jobs.create(google.config(), message, run_id).name
        google.jobs.advance(name, state="RUNNING")
        tasks = {"ExampleGen": "SUCCEEDED"}
        google.jobs.advance(name, tasks, state, made or outputs())
        return name

    return run


@pytest.fixture
def typed(google, capsys):
    """As a person types it, in this process."""

    def typed(*words: str) -> subprocess.CompletedProcess:
        app = typer.Typer()
        app.add_typer(gate.gate_app(vertex_gate.override), name="gate")
        sets = [word for each in google.settings for word in ("--set", each)]
        command = ["vertex_runner.py", "gate", "override", *words, *sets]
        with mock.patch.object(sys, "argv", command):
            code = console.run(app)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(command, code, out, err)

    return typed


def given_to(job, task: str) -> dict:
    """The parameters that the task takes in the job that was submitted."""
    spec = job_message.plain(job)["pipelineSpec"]
    return spec["components"]["tfx-dag"]["dag"]["tasks"][task]["inputs"]["parameters"]


def test_the_same_job_is_submitted_with_the_word_for_the_very_model(google, run, typed):
    before = google.jobs.jobs[run()]

    done = typed("trips-1", *WHO, "--yes")

    assert done.returncode == 0, done.stderr
    assert "run     trips-1, NOT_BLESSED\n        auc is low\n" in done.stderr
    after = google.jobs.jobs[google.name(done.stdout.strip())]
    word = json.loads(given_to(after, "Pusher")["override"]["runtimeValue"]["constant"])
    assert word.pop("at") > 1_700_000_000
    assert word == {
        "by": "ada",
        "reason": "the slice is three rows",
        "run": "trips-1",
        "model": MODEL,
    }
    for task in ("StatisticsGen", "Transform", "Trainer", "Evaluator"):
        assert given_to(after, task) == given_to(before, task)
    origin = json.loads(after.runtime_config.parameter_values["origin"])
    assert origin["trigger"] == "override of trips-1"
    assert after.labels[override.LABEL] == "trips-1"
    assert after.service_account == before.service_account


def test_it_has_the_parameters_and_the_date_of_the_refused_run(google, run, compiled):
    name = run(given={"run_date": "2026-11-20"})
    [task] = [
        t
        for t in google.jobs.jobs[name].job_detail.task_details
        if t.task_name == "ExampleGen"
    ]
    task.execution = aiplatform_v1.Execution(metadata={"input:run_date": "2026-11-20"})
    found = override.refused(google.config(), "trips-1")

    made = override.message(found, SAID)

    assert made.runtime_config.parameter_values["run_date"] == "2026-11-20"
    date = given_to(made, "ExampleGen")["run_date"]
    assert date == {"runtimeValue": {"constant": "2026-11-20"}}


def test_it_is_no_job_of_its_schedule_nor_of_the_file_that_was_sealed(
    google, run, compiled
):
    labels = {
        **compiled.labels,
        "millrace-schedule": "nightly",
        "millrace-pipeline": "chicago-taxi",
        "team": "trips",
    }
    name = run(job=Job.from_dict({**compiled.to_dict(), "labels": labels}))
    found = override.refused(google.config(), "trips-1")

    made = override.message(found, SAID)

    assert {k: v for k, v in made.labels.items() if not k.startswith("tfx_")} == {
        override.LABEL: "trips-1",
        "millrace-submission": google.jobs.jobs[name].labels["millrace-submission"],
        "team": "trips",
    }


def test_a_dry_run_prints_the_request_and_sends_nothing(google, run, typed):
    run()

    done = typed("trips-1", *WHO, "--dry-run")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pipelineJob"]["labels"][override.LABEL]
    assert len(google.jobs.jobs) == 1


def test_without_yes_and_without_a_terminal_nothing_is_sent(google, run, typed):
    run()

    done = typed("trips-1", *WHO)

    assert done.returncode == 2
    assert len(google.jobs.jobs) == 1


def test_a_second_override_names_the_first(run, typed):
    run()
    first = typed("trips-1", *WHO, "--yes").stdout.strip()

    done = typed("trips-1", *WHO, "--yes")

    assert done.returncode == 2
    assert f"was overridden already, by the job {first} (pending)" in done.stderr


def test_an_override_that_failed_may_be_tried_again(google, run, typed):
    run()
    first = typed("trips-1", *WHO, "--yes").stdout.strip()
    google.jobs.advance(google.name(first), state="RUNNING")
    google.jobs.advance(google.name(first), {"Pusher": "FAILED"}, "FAILED")

    assert typed("trips-1", *WHO, "--yes").returncode == 0


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"made": outputs(blessed=1)}, "ended SUCCEEDED, and only a run that ended"),
        ({"state": "FAILED"}, "ended FAILED, and only a run that ended NOT_BLESSED"),
        ({"state": None}, "trips-1 still runs"),
    ],
    ids=["blessed", "failed", "running"],
)
def test_a_run_that_is_not_to_be_overridden_is_told(google, run, typed, ended, said):
    run(**ended)

    done = typed("trips-1", *WHO, "--yes")

    assert done.returncode == 2
    assert said in done.stderr
    assert len(google.jobs.jobs) == 1


def test_a_run_that_does_not_exist_is_told(typed):
    done = typed("nobody", *WHO, "--yes")

    assert done.returncode == 2
    assert "nobody" in done.stderr


def test_without_the_cache_another_model_would_be_made(google, run, typed):
    run(job=vertex.compile_job(google.config("vertex.caching=false")))

    done = typed("trips-1", *WHO, "--yes")

    assert done.returncode == 2
    assert "Trainer, Transform would run again and make another model" in done.stderr
    assert "evaluation.thresholds.METRIC.min=VALUE" in done.stderr


def test_a_word_that_vertex_would_replace_is_refused(google, run):
    run()
    found = override.refused(google.config(), "trips-1")

    with pytest.raises(UsageError, match="Vertex replaces"):
        override.message(found, Override(by="ada", reason="{{$.inputs}}"))


def test_the_run_that_carried_it_out_succeeded(google, run, typed):
    run()
    name = google.name(typed("trips-1", *WHO, "--yes").stdout.strip())
    google.jobs.advance(name, state="RUNNING")
    pushed = artifact(pushed=1, overridden=json.dumps({"by": "ada"}))
    made = {**outputs(), "Pusher": {"pushed_model": pushed}}
    google.jobs.advance(name, {"Pusher": "SUCCEEDED"}, "SUCCEEDED", made)

    job = jobs.get(google.config(), name)
    assert ending.of_job(google.config(), job).outcome.name == "SUCCEEDED"


def test_an_id_that_is_longer_than_a_label_is_found_again(google, run, typed):
    long_id = "trips-" + "a" * 90
    run(run_id=long_id)
    assert typed(long_id, *WHO, "--yes").returncode == 0

    assert "was overridden already" in typed(long_id, *WHO, "--yes").stderr
