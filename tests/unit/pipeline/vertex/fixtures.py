"""A loopback Google Cloud, a user of it, and a small job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from unittest import mock

import pytest
import typer

from pipeline.commands import check, console, jobs
from pipeline.config import config as config_lib
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job import job_digest
from pipeline.vertex.job.job import Job
from pipeline.vertex.rehearsal import containers as containers_lib
from tests.fakes import google as google_lib
from tests.fakes import server


@pytest.fixture(scope="session")
def image():
    """This repository's, laid out once."""
    with containers_lib.of_image() as image:
        yield image


@pytest.fixture
def containers(image, tmp_path):
    """They write to the test's folder."""
    return containers_lib.Containers(image=image, buckets=(str(tmp_path),))


OPTIONAL = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
PLACE = (
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    f"output_root=gs://{google_lib.BUCKET}/millrace",
)


class Google(google_lib.Google):
    """The cloud, and how a user of Millrace points at it."""

    @property
    def settings(self) -> tuple[str, ...]:
        return (
            *PLACE,
            f"vertex.image={self.image}",
            f"vertex.service_account={google_lib.ACCOUNT}",
        )

    def config(self, *more: str) -> config_lib.Config:
        return config_lib.load((), (*self.settings, *more), platform="vertex").config

    def command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """Words and environment of the command line."""
        sets = [word for each in self.settings for word in ("--set", each)]
        first, *rest = words
        command = [sys.executable, "vertex_runner.py", first, *sets, *rest]
        environment = {**os.environ, **self.cloud.environment, "COLUMNS": "120"}
        return command, environment

    def run(self, repository, *words: str) -> subprocess.CompletedProcess:
        command, environment = self.command(*words)
        return subprocess.run(
            command,
            cwd=repository,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def here(self, capsys, *words: str) -> subprocess.CompletedProcess:
        """The same in this process, without the seconds that imports take."""
        app = typer.Typer()
        jobs.add_to(app)
        app.command("check")(check.check)
        command, _ = self.command(*words)
        with mock.patch.object(sys, "argv", command[1:]):
            code = console.run(app)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(command, code, out, err)


@pytest.fixture
def google():
    with google_lib.running() as found:
        yield Google(**vars(found))


@pytest.fixture
def job() -> dict:
    """A small compiled job."""
    made = {
        "displayName": "chicago-taxi",
        "pipelineSpec": {
            "pipelineInfo": {"name": "chicago-taxi"},
            "schemaVersion": "2.1.0",
            "root": {
                "inputDefinitions": {"parameters": {"training_train_steps": OPTIONAL}}
            },
        },
        "runtimeConfig": {"gcsOutputDirectory": "gs://trips-bucket/millrace/artifacts"},
    }
    job_digest.seal(Job(made))
    return made


@pytest.fixture
def job_file(job, tmp_path):
    file = tmp_path / "job.json"
    file.write_text(json.dumps(job), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def trips():
    """A configuration of the loopback's project."""
    return config_lib.load((), PLACE, platform="vertex").config


@pytest.fixture(scope="session")
def compiled(trips):
    """Its compiled job."""
    return vertex.compile_job(trips)
