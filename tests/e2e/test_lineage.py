"""Every question of an auditor, asked of the real run on the taxi trips."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ask(taxi):
    """Asks the taxi run's store; gives the answer of the JSON."""

    def run(*question: str, code: int = 0) -> dict:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pipeline.lineage", *question),
                *("--output", "json", "--set", f"output_root={taxi.output}"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=os.environ,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


def test_trace_leads_from_the_pushed_folder_to_the_raw_file(taxi, ask):
    answer = ask("trace", taxi.summary["pushed"])["answer"]

    [file] = answer["files"]
    content = Path(file["path"]).read_bytes()
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert file["size"] == len(content)
    assert answer["data"][0]["rows"] == {"train": 8881, "eval": 2991, "test": 3130}
    assert answer["verdict"]["metrics"] == taxi.summary["metrics"]["overall"]
    steps = {step["node"]: step for step in answer["steps"]}
    assert steps["ExampleGen"]["rows_in"] == steps["ExampleGen"]["rows_out"] == 15_002
    assert set(steps) == set(taxi.states) - {"BaselineResolver", "Notifier"}
    assert all(step["seconds"] is not None for step in steps.values())


def test_the_run_says_who_when_where_and_with_which_code(taxi, ask):
    answer = ask("show", "latest")["answer"]
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )

    assert answer["run"] == taxi.summary["run_id"]
    assert answer["outcome"] == "SUCCEEDED"
    assert answer["commit"] == head.stdout.strip()
    assert answer["trigger"] == "hand"
    assert answer["versions"]["tfx"] == "1.21.0"
    assert answer["config"] == json.loads((taxi.folder / "config.json").read_text())
    assert {each["channel"] for each in answer["told"]} == {"log", "file"}


def test_impact_why_champion_timeline_and_runs_name_the_push(taxi, ask):
    version = taxi.summary["pushed"].rpartition("/")[2]

    [model] = ask("impact", "data.csv")["answer"]["models"]
    why = ask("why", taxi.summary["run_id"])["answer"]
    events = ask("timeline")["answer"]["events"]
    [run] = ask("runs", "--pushed")["answer"]["runs"]

    assert model["pushed"][0]["version"] == version
    assert model["champion"]
    assert len(why["checks"]) == len(taxi.summary["checks"])
    assert why["checks_failed"] == []
    assert [e["what"] for e in events] == ["trained", "blessed", "pushed"]
    assert run["pushed"] == version
    assert ask("champion")["answer"]["champion"]["version"] == version
    assert ask("runs", "--failed")["answer"]["runs"] == []


def test_verify_finds_all_intact_and_a_copy_elsewhere_is_known(taxi, ask, tmp_path):
    rows = ask("verify", "--all")["answer"]["rows"]
    assert {row["state"] for row in rows} == {"intact"}
    copy = tmp_path / "model"
    shutil.copytree(taxi.summary["pushed"], copy)

    traced = ask("trace", str(copy))

    assert "is a copy of what was pushed to" in traced["notes"][0]
    assert traced["answer"]["model"]["pushed_to"] == taxi.summary["pushed"]


def test_a_model_does_not_differ_from_itself_and_leaves_no_orphans(taxi, ask):
    pushed = taxi.summary["pushed"]

    assert ask("diff", pushed, pushed)["answer"]["differs"] == {}
    assert not any(ask("orphans")["answer"].values())


def test_reproduce_names_commit_lock_data_and_commands(taxi, ask):
    answer = ask("reproduce", taxi.summary["pushed"])["answer"]

    lock = (ROOT / "requirements" / "main.lock").read_bytes()
    assert answer["lock_digest"] == hashlib.sha256(lock).hexdigest()
    assert any(answer["commit"] in command for command in answer["commands"])
    assert answer["metrics"] == taxi.summary["metrics"]["overall"]
