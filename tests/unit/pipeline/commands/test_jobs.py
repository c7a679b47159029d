"""submit, status, logs, cancel, list, delete and check, as a user types them."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys

import pytest

from tests.fakes import server
from tests.unit.pipeline.vertex.runs.test_ending import blessing


def only_job(google):
    [job] = google.jobs.jobs.values()
    return job


def script(google, *steps):
    """What happens to the job that will be submitted, one step a look."""
    google.jobs.script += [
        lambda step=step: google.jobs.advance(only_job(google).name, *step)
        for step in steps
    ]


def test_a_dry_run_prints_the_request_and_sends_nothing(google, capsys, job_file):
    done = google.here(
        capsys,
        *("submit", "--job", str(job_file), "--dry-run", "--run-id", "trips-1"),
        *("-p", "training_train_steps=300"),
    )

    assert done.returncode == 0, done.stderr
    request = json.loads(done.stdout)
    assert request["parent"] == server.PARENT
    assert request["pipelineJobId"] == "trips-1"
    assert request["pipelineJob"]["runtimeConfig"]["parameterValues"] == {
        "training_train_steps": "300"
    }
    assert request["pipelineJob"]["serviceAccount"].startswith("runner@")
    assert google.cloud.calls == []
    assert google.rest.requests == []


def test_submit_and_wait_shows_the_tasks_and_ends_with_our_exit_code(
    google, repository, job_file
):
    script(
        google,
        ({"ExampleGen": "RUNNING"}, "RUNNING"),
        ({"ExampleGen": "SUCCEEDED", "Evaluator": "SUCCEEDED"},),
        (None, "SUCCEEDED", blessing(0)),
    )

    done = google.run(
        repository, "submit", "--job", str(job_file), "--wait", "--every", "0"
    )

    assert done.returncode == 4, done.stderr
    run = done.stdout.strip()
    assert run.startswith("chicago-taxi-")
    assert "console.cloud.google.com/vertex-ai/pipelines" in done.stderr
    assert "ExampleGen                  succeeded" in done.stderr
    assert f"{run}: NOT_BLESSED" in done.stderr


def test_a_failed_check_sends_nothing(google, capsys, job_file):
    google.rest.buckets["trips-bucket"] = {"location": "US"}

    done = google.here(capsys, "submit", "--job", str(job_file))

    assert done.returncode == 2
    assert "failed    bucket" in done.stderr
    assert "nothing was sent" in done.stderr
    assert google.cloud.calls == []


def test_a_job_that_was_changed_by_hand_is_refused_unless_told(
    google, capsys, job, job_file
):
    job["pipelineSpec"]["schemaVersion"] = "2.0.0"
    job_file.write_text(json.dumps(job), encoding="utf-8")

    refused = google.here(capsys, "submit", "--job", str(job_file))
    accepted = google.here(capsys, "submit", "--job", str(job_file), "--accept-edited")

    assert refused.returncode == 2
    assert "was changed after it was compiled" in refused.stderr
    assert accepted.returncode == 0, accepted.stderr
    assert len(google.jobs.jobs) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        ("{", "is not JSON"),
        ("[]", "is not a job"),
        ("{}", "is no"),
    ],
)
def test_a_file_that_is_no_job_is_refused(google, capsys, tmp_path, content, problem):
    file = tmp_path / "other.json"
    if content is not None:
        file.write_text(content)

    done = google.here(capsys, "submit", "--dry-run", "--job", str(file))

    assert done.returncode == 2
    assert problem in done.stderr


@pytest.mark.parametrize("text", ["training_train_steps=abc", "no_such=1"])
def test_a_parameter_that_does_not_fit_is_refused_before_anything_is_sent(
    google, capsys, job_file, text
):
    done = google.here(capsys, "submit", "--job", str(job_file), "-p", text)

    assert done.returncode == 2
    assert text.split("=")[0] in done.stderr
    assert google.cloud.calls == []


def test_a_dry_run_refuses_what_the_job_itself_does_not_declare(
    google, capsys, job_file
):
    done = google.here(
        capsys,
        "submit",
        "--dry-run",
        "--job",
        str(job_file),
        "-p",
        "training_model=dnn",
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "training_model: the job has none" in done.stderr


def test_ctrl_c_while_waiting_leaves_the_run_alone_and_says_how_to_cancel(
    google, repository, job_file
):
    script(google, ({"Trainer": "RUNNING"}, "RUNNING"))
    command, environment = google.command(
        "submit", "--job", str(job_file), "--wait", "--every", "30"
    )
    process = subprocess.Popen(
        command,
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    run = process.stdout.readline().strip()
    any(line.startswith("Trainer") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)

    assert process.returncode == 130
    assert f"{run} goes on" in rest
    assert f"python vertex_runner.py cancel {run}" in rest
    assert google.cloud.asked("CancelPipelineJob") == []
    assert "Traceback" not in rest


def test_a_service_that_stays_busy_ends_with_75(google, capsys):
    google.cloud.faults.append(("ListPipelineJobs", "RESOURCE_EXHAUSTED", "quota"))

    done = google.here(capsys, "list")

    assert done.returncode == 75
    assert "list the runs: quota. Nothing is lost; try again" in done.stderr


def test_a_run_is_found_shown_cancelled_and_deleted(google, capsys, job_file):
    started = google.here(
        capsys, "submit", "--job", str(job_file), "--run-id", "trips-1"
    )
    name = google.name("trips-1")
    google.jobs.advance(name, {"Trainer": "RUNNING"}, "RUNNING")

    listed = google.here(capsys, "list", "--output", "json", "--state", "running")
    shown = google.here(capsys, "status", "trips-1")
    kept = google.here(capsys, "delete", "trips-1", "--yes")
    cancelled = google.here(capsys, "cancel", "trips-1")
    google.jobs.advance(name, {"Trainer": "CANCELLED"}, "CANCELLED")
    ended = google.here(capsys, "status", "trips-1")
    deleted = google.here(capsys, "delete", "trips-1", "--yes")

    assert started.returncode == 0, started.stderr
    [row] = json.loads(listed.stdout)
    assert (row["run"], row["state"], row["ended"]) == ("trips-1", "RUNNING", None)
    assert shown.returncode == 0
    assert "trips-1: running" in shown.stdout
    assert (kept.returncode, cancelled.returncode) == (2, 0)
    assert (ended.returncode, deleted.returncode) == (130, 0)
    assert google.jobs.jobs == {}


def test_delete_asks_first(google, capsys, job_file, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    google.here(capsys, "submit", "--job", str(job_file), "--run-id", "trips-1")
    google.jobs.advance(google.name("trips-1"), state="FAILED")

    done = google.here(capsys, "delete", "trips-1")

    assert done.returncode == 1
    assert "trips-1: failed, created 2026-11-25" in done.stderr
    assert len(google.jobs.jobs) == 1


def test_the_logs_of_a_failed_task_are_a_query_away(google, capsys, job_file):
    google.here(capsys, "submit", "--job", str(job_file), "--run-id", "trips-1")
    name = google.name("trips-1")
    google.jobs.advance(name, {"Trainer": ("FAILED", "exited with 1")}, "FAILED")
    task = google.jobs.jobs[name].job_detail.task_details[0]
    container = f"{server.PARENT}/customJobs/42"
    task.executor_detail.container_detail.main_job = container

    done = google.here(capsys, "logs", "trips-1")

    link, query = done.stdout.splitlines()
    assert link.endswith("runs/trips-1?project=trips-project")
    assert query == (
        'gcloud logging read \'resource.type="ml_job" AND '
        'resource.labels.job_id="42"\' --project=trips-project --order=asc'
    )


def test_check_says_what_is_there_and_ends_with_2_when_something_is_not(
    google, repository
):
    good = google.run(repository, "check")
    google.rest.manifests.clear()
    bad = google.run(repository, "check", "-p", "training_model=dnn")

    assert (good.returncode, bad.returncode) == (0, 2)
    assert [line.split()[0] for line in good.stdout.splitlines()] == ["ok"] * 9
    assert "failed    image" in bad.stdout
    assert "-> gcloud artifacts docker images list" in bad.stdout
    assert bad.stderr == ""


@pytest.mark.parametrize(
    "words",
    [("list", "--state", "tired"), ("list", "--output", "xml"), ("status", "none")],
)
def test_what_is_asked_wrongly_ends_with_2(google, capsys, words):
    done = google.here(capsys, *words)

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
