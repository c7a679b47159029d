"""What builds and publishes: every command that it names is there, and no secret is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yaml"
CLOUD_BUILD = ROOT / "cloudbuild.yaml"


def workflow() -> dict:
    return yaml.safe_load(WORKFLOW.read_text("utf-8"))


def workflow_steps() -> list[dict]:
    return [step for job in workflow()["jobs"].values() for step in job["steps"]]


def cloud_build() -> dict:
    return yaml.safe_load(CLOUD_BUILD.read_text("utf-8"))


def commands() -> list[str]:
    """Every command line of both."""
    lines = [step["run"] for step in workflow_steps() if "run" in step]
    for step in cloud_build()["steps"]:
        begin = [] if step.get("entrypoint") == "bash" else [step.get("entrypoint", "")]
        lines.append(" ".join([*begin, *step["args"]]))
    return lines


def test_every_make_target_that_they_call_is_one():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    called = {name for line in commands() for name in re.findall(r"make (\S+)", line)}

    assert {"check", "test", "rehearse"} <= called
    assert called - targets == set()


def test_every_command_of_ours_is_understood():
    lines = "\n".join(commands()).splitlines()
    ours = {
        line[line.index("vertex_runner") :] for line in lines if "_runner.py" in line
    }

    assert ours == {'vertex_runner.py publish --set vertex.image="$(cat .image)"'}
    for line in ours:
        done = subprocess.run(
            [sys.executable, *shlex.split(line), "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "--set" in done.stdout


def test_a_release_is_tested_and_rehearsed_before_it_is_built_and_published():
    assert [step["id"] for step in cloud_build()["steps"]] == [
        *("test", "rehearse", "build", "push", "publish")
    ]
    assert workflow()["jobs"]["release"]["needs"] == ["test", "fresh"]
    text = WORKFLOW.read_text("utf-8")
    order = ["make rehearse", "docker build", "docker push", "vertex_runner.py publish"]
    assert sorted(order, key=text.index) == order


def test_both_commands_are_tried_where_there_is_as_little_as_the_readme_asks_for():
    fresh, readme = workflow()["jobs"]["fresh"], (ROOT / "README.md").read_text("utf-8")
    machines = {
        each["image"]: each["packages"].split()
        for each in fresh["strategy"]["matrix"]["machine"]
    }

    assert machines == {
        "debian:12": ["python3", "python3-venv", "git", "make", "ca-certificates"],
        "python:3.11-slim": ["git", "make"],
    }
    commands = [step["run"] for step in fresh["steps"] if "run" in step]
    assert commands[-2:] == ["make run", "make test"]
    assert all(command in readme for command in commands[-2:])


@pytest.mark.parametrize("file", [WORKFLOW, CLOUD_BUILD], ids=["github", "google"])
def test_both_build_the_same_image_from_the_same_file(file):
    text = file.read_text("utf-8")

    assert "--build-arg" in text
    assert "COMMIT=" in text
    assert "index .RepoDigests 0" in text


def test_actions_are_held_to_a_major_version():
    used = [step["uses"] for step in workflow_steps() if "uses" in step]

    assert len(used) > 4
    assert [action for action in used if not re.fullmatch(r"\S+@v\d+", action)] == []


def test_there_is_no_key_and_no_secret_in_them():
    for file in (WORKFLOW, CLOUD_BUILD):
        text = file.read_text("utf-8")
        for word in ("secrets.", "credentials_json", "PRIVATE KEY", "password"):
            assert word not in text
    assert workflow()["permissions"] == {"contents": "read"}
    release = workflow()["jobs"]["release"]
    assert release["permissions"] == {"contents": "read", "id-token": "write"}


def test_a_pull_request_never_publishes():
    assert (
        workflow()["jobs"]["release"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    )
    assert "id-token" not in str(workflow()["jobs"]["test"])
