"""The compiled job of the penguins, container by container: on folders, on a bucket."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import nodes
from tests.e2e.bucket import Bucket
from tests.e2e.conftest import ROOT
from tests.fakes.gcs import world

# A loaded machine takes its time; nothing here waits for something.
pytestmark = pytest.mark.timeout(3600)

PENGUINS = "configs/penguins/penguins.yaml"


SETS = (
    "vertex.parameters=[training.model, push.max_size_mb]",
    "vertex.model.serving_image=europe-docker.pkg.dev/v/p/tf:1",
    "vertex.experiment=penguins",
)


@pytest.fixture(scope="module")
def rehearse(tmp_path_factory):
    output = tmp_path_factory.mktemp("rehearsal")

    def rehearse(*arguments: str):
        done = subprocess.run(
            [
                *(sys.executable, "vertex_runner.py", "rehearse"),
                *("--config", PENGUINS, "--set", f"output_root={output}"),
                *(word for each in SETS for word in ("--set", each)),
                *arguments,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "160"},
        )
        return done, sorted((output / "artifacts" / "1").iterdir())[-1]

    return rehearse


@pytest.fixture(scope="module")
def first(rehearse):
    return rehearse()


@pytest.fixture(scope="module")
def there(first, tmp_path_factory):
    """On a bucket: a run that finds the first one's model, and one not to be pushed."""
    if reason := world.missing():
        pytest.skip(f"no bucket here: {reason}")
    bucket = Bucket(tmp_path_factory.mktemp("bucket"), ROOT / "configs/penguins/data")
    bucket.take_over(first[1].parents[2])
    return bucket, bucket.run("sample", PENGUINS)


@dataclasses.dataclass(frozen=True)
class Second:
    """Another model, and a limit that no model keeps; on a bucket if there is one."""

    artifacts: Path
    """Of the run with another model."""

    runs: Path
    refused: str
    """The run that was not pushed."""

    states: dict[str, str]
    """Its tasks'."""


@pytest.fixture(scope="module")
def second(first, rehearse, request):
    if not world.missing():
        bucket, steps = request.getfixturevalue("there")
        step = steps["refused"]
        found = {task: state.lower() for task, state in step["states"].items()}
        pushed = bucket.artifacts(steps["pushed"])
        return Second(pushed, bucket.output / "runs", step["run"], found)
    done, folder = rehearse(
        *("--parameter", "training_model=linear"),
        *("--parameter", "push_max_size_mb=0.0001"),
    )
    assert done.returncode == 1
    runs = folder.parents[2] / "runs"
    return Second(folder, runs, folder.name, states(done))


def metrics(folder) -> dict:
    file = folder / "Evaluator_0" / "evaluation" / "metrics.json"
    return json.loads(file.read_text(encoding="utf-8"))


def states(done) -> dict[str, str]:
    return dict(
        re.findall(r"^(\S+) +(succeeded|failed|skipped) +[\d.]+ s$", done.stdout, re.M)
    )


def test_every_task_succeeds_and_a_model_is_pushed(first):
    done, folder = first

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(states(done).values()) == {"succeeded"}
    assert {"ExampleGen", "Transform", "Trainer", "Notifier", "ExitHandler"} <= set(
        states(done)
    )
    [pushed] = (folder.parents[2] / "serving" / "penguins").glob("[0-9]*")
    assert (pushed / "saved_model.pb").is_file()


def test_tasks_are_given_addresses_as_a_buckets_are(first):
    """Of what they read and write; a Python that opens one of them fails."""
    _, folder = first
    left = (folder.parents[1] / "rehearsal.jsonl").read_text(encoding="utf-8")
    uris = re.findall(r'"uri": "([^"]*)"', left)

    assert {uri for uri in uris if not uri.startswith(f"file://{folder}/")} == set()
    put_out = {json.loads(line)["task"] for line in left.splitlines()}
    assert put_out == {*nodes.ALL} - {nodes.BASELINE_RESOLVER}, "which has no container"


def test_nothing_is_written_to_vertex_and_that_is_said(first):
    """Asked anyway, it would have failed the Pusher."""
    done, folder = first
    serving = folder.parents[2] / "serving" / "penguins"

    assert done.stderr.splitlines()[-2:] == [
        f"note: vertex.model: a rehearsal registers in {serving}, not in Vertex AI",
        "note: vertex.experiment: a rehearsal writes nothing into it",
    ]
    assert (serving / "models.config").is_file()


def test_the_account_says_what_was_read_and_written(first):
    done, folder = first
    account = done.stdout.partition(f"in {folder}")[2]

    lines = account.splitlines()
    at = lines.index("ExampleGen succeeded")
    assert lines[at + 1] == "  wrote ExampleGen_0/examples (344 rows)"
    assert "  read  ExampleGen_0/examples" in lines[lines.index("Trainer succeeded") :]


def test_the_model_is_that_of_a_local_run(first, trained):
    """The same configuration, the same seed: the same numbers."""
    files = trained.output.glob("artifacts/Evaluator/evaluation/*/metrics.json")
    # The fixture's own run; other tests ran the clone again.
    local = min(files, key=lambda file: int(file.parent.name))
    local_metrics = json.loads(local.read_text(encoding="utf-8"))["candidate"][
        "overall"
    ]

    here = metrics(first[1])["candidate"]["overall"]

    assert here == pytest.approx(local_metrics, abs=1e-6)


def test_people_are_told_once_by_the_notifier(first):
    folder = first[1]
    run = folder.parents[2] / "runs" / folder.name

    told = json.loads((run / "told.json").read_text(encoding="utf-8"))
    assert told["outcome"] == "SUCCEEDED"
    text = (run / "message.txt").read_text(encoding="utf-8")
    assert text.startswith("SUCCEEDED: pushed version ")
    assert "image europe-docker.pkg.dev/" in text


def test_the_second_time_there_is_a_baseline(first, second):
    assert metrics(first[1])["baseline"] is None
    assert metrics(second.artifacts)["baseline"]["overall"]["auc"] == pytest.approx(
        metrics(first[1])["candidate"]["overall"]["auc"]
    )


def test_a_runtime_parameter_reaches_its_task(second):
    log = (second.artifacts / "Trainer_0" / "log.txt").read_text(encoding="utf-8")

    assert '"model": "linear"' in log


def test_a_failed_task_is_told_by_the_exit_handler_in_the_tasks_own_words(second):
    found = second.states
    assert (found["Pusher"], found["Evaluator"]) == ("failed", "succeeded")
    assert found["ExitHandler"] == "succeeded"
    assert found.get("Notifier", "skipped") == "skipped"
    run = second.runs / second.refused
    text = (run / "message.txt").read_text(encoding="utf-8")
    assert text.startswith("PUSH_FAILED at Pusher: the model ")
    assert "push.max_size_mb allows 0.0001" in text
    assert "https://console.cloud.google.com/vertex-ai/pipelines/" in text
    assert "image europe-docker.pkg.dev/" in text


# On a bucket, and with the real protocol of one


def test_on_a_bucket_the_job_pushes_and_registers_its_model(there):
    bucket, steps = there
    pushed = steps["pushed"]

    assert set(pushed["states"].values()) == {"SUCCEEDED"}, pushed["logs"]
    assert pushed["pushed"]["pushed"] == 1
    [version] = (bucket.output / "serving" / "penguins").glob("[0-9]*")
    assert (version / "saved_model.pb").is_file()
    assert steps["registered"]["aliases"] == {
        "penguins": {"1": ["champion", "default"]}
    }


def test_on_a_bucket_no_task_left_the_bucket(there):
    bucket, steps = there
    uris = steps["pushed"]["uris"]

    assert len(uris) > 10
    assert {uri for uri in uris if not uri.startswith("gs://trips-bucket/")} == set()
    told = bucket.output / "runs" / steps["pushed"]["run"] / "told.json"
    assert json.loads(told.read_text(encoding="utf-8"))["outcome"] == "SUCCEEDED"


def test_on_a_bucket_tensorflow_tfx_and_beam_spoke_to_the_service(there):
    asked = there[0].asked()

    assert {client for client, _, _ in asked} == {"TSL", "python-requests"}
    assert {status for _, _, status in asked} & {"400", "401", "500", "501"} == set()
