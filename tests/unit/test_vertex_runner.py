"""The command line for Vertex: what it writes and says."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

SCHEDULE = (
    *("schedule", "create", "--name", "n", "--cron", "0 9 * * *"),
    *("--dry-run", "-p", "x=1"),
)


def run(repository, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "vertex_runner.py", *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "160"},
    )


def test_the_job_is_json_and_its_spec_yaml(repository, tmp_path):
    file = tmp_path / "job.json"
    job = run(repository, "compile", "--output", str(file), "--explain")
    spec = run(repository, "compile", "--output", str(tmp_path / "spec.yaml"))

    assert (job.returncode, spec.returncode) == (0, 0), job.stderr + spec.stderr
    written = yaml.safe_load((tmp_path / "spec.yaml").read_text("utf-8"))
    assert written == json.loads(file.read_text("utf-8"))["pipelineSpec"]
    [trainer] = [row for row in job.stdout.splitlines() if "Trainer  " in row]
    for shown in ("4 CPU, 16 GB", "yes", "1 to 3", " 12"):
        assert shown in trainer
    assert "wide_deep, for Trainer" in job.stdout


def test_an_output_that_cannot_be_written_is_a_users_mistake(repository, tmp_path):
    (tmp_path / "file").write_text("")

    done = run(repository, "compile", "--output", str(tmp_path / "file" / "job.json"))

    assert done.returncode == 2
    assert f"--output {tmp_path}/file/job.json: " in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "answer"),
    [
        (("--help",), 0, "rehearse"),
        (("schedule", "create", "--help"), 0, "--timezone"),
        (("submt",), 2, "No such command 'submt'"),
        (("compile", "--set", "trainng.model=dnn"), 2, "trainng"),
        (("submit", "--dry-run", "-p", "model=dnn"), 2, "--parameter model"),
        (("rehearse", "-p", "origin=me"), 2, "--parameter origin"),
        (SCHEDULE, 2, "--parameter x: the job has none"),
    ],
    ids=["help", "more", "command", "key", "parameter", "origin", "schedule"],
)
def test_help_and_typos_answer_without_what_takes_seconds(
    repository, words, code, answer
):
    """Not the time is held, which others on the machine make, but what makes it."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "vertex_runner.py", *words],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "120"},
    )

    assert done.returncode == code
    assert answer in done.stdout + done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"tensorflow", "tfx", "kfp", "google.cloud.aiplatform"}


@pytest.mark.parametrize(
    "command", [("notify", "flush"), ("watch", "--expect-every", "1d")], ids=["f", "w"]
)
def test_a_bucket_that_is_not_mounted_is_not_taken_for_an_empty_one(
    repository, command
):
    done = run(repository, *command)

    assert done.returncode == 2
    assert "gs://your-bucket/millrace" in done.stderr
    assert "is not mounted at /gcs/your-bucket/millrace" in done.stderr
