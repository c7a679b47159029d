"""The compiled exit handler, as its container starts it, after a task that failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT
from tests.fakes import cloud
from tests.unit.pipeline.notifications import test_vertex as vertex_facts

RUN = "trips-20260302"


@pytest.fixture
def service():
    job = vertex_facts.job(
        ("SchemaValidator", "FAILED", 10, "exited with a non-zero status of 1")
    )
    with cloud.pipeline_jobs({vertex_facts.NAME: job}) as endpoint:
        yield endpoint


@pytest.fixture
def spec(tmp_path, service):
    """The compiled job of the penguins, with a bucket that is a folder here."""
    channel = "{kind: service, url: 'env:TEAM', events: [failed, data_refused]}"
    subprocess.run(
        [
            *(sys.executable, "vertex_runner.py", "compile"),
            *("--config", "configs/penguins/penguins.yaml"),
            *("--set", f"output_root={tmp_path}"),
            *("--set", f"notifications.channels.team={channel}"),
            *("--set", f"notifications.pipeline_endpoint={service}"),
            *("--output", str(tmp_path / "job.json")),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    job = json.loads((tmp_path / "job.json").read_text(encoding="utf-8"))
    return job["pipelineSpec"]


def start(spec: dict, task: str, folder: Path, parameters: dict, artifacts: dict):
    """Runs the container's command; Vertex fills in {{$}}."""
    container = spec["deploymentSpec"]["executors"][f"{task}_executor"]["container"]
    invocation = {
        "inputs": {"parameterValues": parameters, "artifacts": artifacts},
        "outputs": {
            "outputFile": str(folder / "1" / RUN / f"{task}_1" / "executor_output.json")
        },
    }
    command = [
        sys.executable if word == "python" else word for word in container["command"]
    ]
    arguments = [
        json.dumps(invocation) if word == "{{$}}" else word
        for word in container["args"]
    ]
    return subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_GCE_CHECK": "true"},
    )


def constants(spec: dict, task: str) -> dict:
    given = spec["root"]["dag"]["tasks"][task]["inputs"]["parameters"]
    return {
        name: value["runtimeValue"]["constant"]
        for name, value in given.items()
        if "runtimeValue" in value
    }


def test_the_words_of_a_failed_task_reach_the_mail(
    spec, tmp_path, httpserver, monkeypatch
):
    """The statistics' folder holds no statistics, so SchemaValidator raises."""
    httpserver.expect_request("/").respond_with_data("")
    monkeypatch.setenv("TEAM", f"json://127.0.0.1:{httpserver.port}/")
    statistics = {
        "name": "projects/1/locations/l/metadataStores/default/artifacts/1",
        "type": {"schemaTitle": "tfx.ExampleStatistics"},
        "uri": str(tmp_path / "nothing"),
        "metadata": {"split_names": '["train"]', "span": 0},
    }
    tasks = spec["components"]["tfx-dag"]["dag"]["tasks"]
    given = tasks["SchemaValidator"]["inputs"]["parameters"]
    parameters = {
        name: value["runtimeValue"]["constant"] for name, value in given.items()
    }

    failed = start(
        spec,
        "SchemaValidator",
        tmp_path,
        parameters,
        {"statistics": {"artifacts": [statistics]}},
    )
    handled = start(
        spec,
        "ExitHandler",
        tmp_path,
        {
            **constants(spec, "ExitHandler"),
            "final_status": json.dumps(vertex_facts.final_status("FAILED")),
        },
        {},
    )

    assert failed.returncode == 1
    assert handled.returncode == 0, handled.stderr[-3000:]
    left = json.loads((tmp_path / "runs" / RUN / "failure.json").read_text("utf-8"))
    assert (left["node"], left["outcome"]) == ("SchemaValidator", "FAILED")
    [(request, _)] = httpserver.log
    sent = request.get_json()
    assert sent["title"].startswith("[penguins] FAILED at SchemaValidator: ")
    assert left["reasons"][0].splitlines()[0][:60] in sent["title"]
    assert vertex_facts.LINK in sent["message"]
    assert "image europe-docker.pkg.dev/" in sent["message"]
