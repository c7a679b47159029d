"""A task ends itself, with words for the exit handler, whatever it is doing."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

from pipeline.code import fingerprint
from pipeline.vertex.job import task

# Stands for TFX's entry points: what the task does once its clock goes.
PROGRAM = """
    import sys
    from pipeline.vertex.job import task

    start_clock = task._end_after

    def end_after(*arguments):
        start_clock(*arguments)
        {body}

    task._GRACE_S = {grace}
    task._end_after = end_after
    task._execute = lambda arguments: None
    task._sign_outputs = lambda node, invocation: None
    sys.exit(task.main(sys.argv[1:]))
"""
WAITS = "import threading; threading.Event().wait()"
# A regular expression that takes for ever holds the interpreter's lock meanwhile.
HOLDS = "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')"


def run(repository, runs, body: str, timeout_s: str, grace: float = 60):
    program = textwrap.dedent(PROGRAM).format(body=body, grace=grace)
    invocation = {
        "inputs": {},
        "outputs": {"outputFile": "gs://b/1/trips-1/Trainer_0/executor_output.json"},
    }
    return subprocess.run(
        [
            *(sys.executable, "-c", program, "--node", "Trainer"),
            *("--runs_folder", str(runs), "--timeout_s", timeout_s),
            *("--json_serialized_invocation_args", json.dumps(invocation)),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def signed(tmp_path, node: str) -> dict:
    """What TFX wrote of an artifact, after the task signed it."""
    file = tmp_path / "executor_output.json"
    artifact = {"name": "one", "metadata": {"span": 3}}
    file.write_text(json.dumps({"artifacts": {"model": {"artifacts": [artifact]}}}))

    task._sign_outputs(node, json.dumps({"outputs": {"outputFile": str(file)}}))

    [made] = json.loads(file.read_text())["artifacts"]["model"]["artifacts"]
    return made["metadata"]


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


def test_a_task_that_takes_too_long_ends_with_words(repository, runs):
    done = run(repository, runs, WAITS, "0.6")

    assert done.returncode == 1
    assert "Trainer was not done after 0.01 minutes and was ended" in done.stderr
    [file] = runs.glob("*/failure.json")
    left = json.loads(file.read_text("utf-8"))
    assert (left["node"], left["outcome"]) == ("Trainer", "FAILED")
    assert "vertex.resources.Trainer.timeout_minutes" in left["reasons"][0]


def test_a_task_that_never_lets_python_run_ends_too(repository, runs):
    done = run(repository, runs, HOLDS, "0.6", grace=0.5)

    assert done.returncode == 1
    assert "Timeout (0:00:01" in done.stderr


def test_a_task_that_is_done_in_time_is_left_alone(repository, runs):
    done = run(repository, runs, "pass", "300")

    assert (done.returncode, done.stderr) == (0, "")
    assert not runs.exists()


def test_what_a_task_put_out_says_which_code_made_it(tmp_path):
    files = fingerprint.code_files("Trainer")

    assert signed(tmp_path, "Trainer") == {
        "span": 3,
        "code_digest": fingerprint.code_digest(files),
        "code_files": json.dumps(files),
    }


def test_what_is_no_node_of_the_graph_is_not_signed(tmp_path):
    assert signed(tmp_path, "ExitHandler") == {"span": 3}


def test_a_task_that_put_nothing_out_signs_nothing(tmp_path):
    missing = tmp_path / "executor_output.json"

    task._sign_outputs("Trainer", json.dumps({"outputs": {"outputFile": str(missing)}}))

    assert not missing.exists()
