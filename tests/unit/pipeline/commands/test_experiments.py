"""`vertex_runner.py experiments list`: the runs side by side."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pipeline import errors
from pipeline.commands import experiments
from pipeline.config import config as config_lib
from pipeline.gcp.experiments import log
from pipeline.platforms import settings
from tests.fakes import server, vertex_metadata

SETS = (
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    "vertex.experiment=trips",
)


@pytest.fixture
def cloud():
    metadata = vertex_metadata.VertexMetadata(server.Operations())
    with server.running(metadata._operations, metadata) as cloud, cloud.here():
        yield cloud


@pytest.fixture
def two_runs(cloud):
    for name, model, auc in (("trips-1", "dnn", 0.75), ("trips-2", "linear", 0.5)):
        sets = [*SETS, f"training.model={model}"]
        config = config_lib.load(overrides=sets, platform="vertex").config
        log.join(
            settings.experiment(config),
            name,
            settings.experiment_params(config, {}),
        )
        log.finished(settings.experiment(config), name, {}, {"auc": auc}, [])


def run(*arguments: str, sets=SETS):
    words = [word for value in sets for word in ("--set", value)]
    runner = CliRunner(env={"COLUMNS": "160"})
    return runner.invoke(experiments.app, ["list", *arguments, *words])


@pytest.mark.usefixtures("two_runs")
def test_only_parameters_that_differ_are_columns():
    lines = run().stdout.splitlines()

    assert [line.split() for line in lines] == [
        ["run", "state", "model", "auc"],
        ["trips-2", "COMPLETE", "linear", "0.5"],
        ["trips-1", "COMPLETE", "dnn", "0.75"],
    ]


@pytest.mark.usefixtures("two_runs")
def test_json_has_every_parameter():
    newest = json.loads(run("--output", "json").stdout)[0]

    assert newest["metrics"] == {"auc": 0.5}
    assert newest["params"]["training.model"] == "linear"
    assert newest["params"]["training.batch_size"] == 256


@pytest.mark.usefixtures("cloud")
def test_no_runs_are_told_on_stderr():
    done = run()

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "no runs\n")


def test_without_an_experiment_it_says_what_to_do():
    done = run(sets=SETS[:2])

    assert isinstance(done.exception, errors.UsageError)
    assert "vertex.experiment is not set" in str(done.exception)


def test_an_output_that_there_is_not_names_those_there_are():
    done = run("--output", "xml")

    assert done.exit_code == 2
    assert "'xml' is not one of 'table', 'json'" in done.stderr
