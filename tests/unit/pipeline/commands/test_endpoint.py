"""`vertex_runner.py endpoint` as a person types it, against a loopback cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipeline.config import config as config_lib
from pipeline.gcp.endpoints import moves, traffic
from pipeline.platforms import settings
from tests.fakes import server, vertex_endpoints, vertex_metadata, vertex_models

SETS = (
    *("--set", f"vertex.project={server.PROJECT}"),
    *("--set", f"vertex.region={server.REGION}"),
    *("--set", "vertex.model={name: trips, serving_image: i}"),
    *("--set", "vertex.endpoint={name: trips}"),
)


@pytest.fixture
def cloud():
    operations = server.Operations()
    models = vertex_models.VertexModels(operations)
    models.add("trips", {"1": ["champion", "default"], "2": ["candidate"]})
    metadata = vertex_metadata.VertexMetadata(operations)
    endpoints = vertex_endpoints.Endpoints(operations, models.find)
    with server.running(operations, models, metadata, endpoints) as cloud:
        yield cloud


@pytest.fixture
def run(cloud, repository):
    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [
                *(sys.executable, "vertex_runner.py", "endpoint", *arguments),
                *SETS,
            ],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **cloud.environment, "COLUMNS": "160"},
        )

    return run


@pytest.fixture
def champion_serves(cloud):
    sets = [word for word in SETS if word != "--set"]
    config = config_lib.load(overrides=sets, platform="vertex").config
    with cloud.here():
        endpoint = settings.endpoint_of(config)
        state = endpoint.state()
        change = traffic.deploy(state, "1", 10)
        moves.carry_out(endpoint, "deploy", change, state, "ada", "the first")


@pytest.mark.usefixtures("champion_serves")
def test_a_candidate_goes_from_canary_to_all_traffic(run):
    why = ("--reason", "AUC [0.96]", "--by", "ada", "--yes")
    canary = run("deploy", *why)
    shown = json.loads(run("show", "--output", "json").stdout)
    promoted = run("promote", *why)
    history = run("history").stdout.splitlines()

    assert (canary.returncode, promoted.returncode) == (0, 0)
    assert canary.stdout == "trips: version 2 takes 10 %, version 1 the rest\n"
    assert "100 %  90 %" in canary.stderr
    assert [(d["version"], d["percent"], d["role"]) for d in shown["deployed"]] == [
        ("1", 90, "stable"),
        ("2", 10, "canary"),
    ]
    assert "model promote 2" in promoted.stderr
    assert [line.split()[1] for line in history[1:]] == ["promote", "deploy", "deploy"]
    assert "AUC [0.96]" in history[1]


def test_a_dry_run_shows_the_change_and_makes_none(run, cloud):
    done = run("deploy", "1", "--reason", "x", "--dry-run")

    assert done.returncode == 0
    assert "100 %" in done.stderr
    assert not cloud.asked("CreateEndpoint")
    assert not cloud.asked("CreateExecution")
    assert not cloud.asked("DeployModel")


def test_without_a_terminal_nothing_moves_unless_told(run, cloud):
    done = run("deploy", "1", "--reason", "x")

    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert not cloud.asked("DeployModel")


def test_a_busy_service_ends_it_with_75(run, cloud):
    cloud.faults.extend([("GetEndpoint", "UNAVAILABLE", "later")] * 9)

    done = run("show")

    assert done.returncode == 75
