"""A loopback Google Cloud in which everything is as it should be."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import subprocess
import sys
from unittest import mock

import pytest
import typer

from pipeline import config as config_lib
from pipeline import console
from pipeline.commands import check as check_command
from pipeline.commands import jobs as jobs_command
from pipeline.runners import seal
from pipeline.runners import vertex as compiler
from tests.fakes import google_rest, server, vertex_jobs, vertex_schedules

ACCOUNT = f"runner@{server.PROJECT}.iam.gserviceaccount.com"
DIGEST = "sha256:" + "ab" * 32
PATH = f"{server.PROJECT}/millrace/millrace"
NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
OVERRIDES = (
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    "output_root=gs://trips-bucket/millrace",
)
OPTIONAL = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}


@dataclasses.dataclass
class Google:
    """All of it, and how a user points at it."""

    cloud: server.Cloud
    rest: google_rest.GoogleRest
    jobs: vertex_jobs.PipelineJobs

    @property
    def settings(self) -> tuple[str, ...]:
        return (
            "output_root=gs://trips-bucket/millrace",
            f"vertex.project={server.PROJECT}",
            f"vertex.region={server.REGION}",
            f"vertex.image={self.rest.address}/{PATH}@{DIGEST}",
            f"vertex.service_account={ACCOUNT}",
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
        jobs_command.add_to(app)
        app.command("check")(check_command.check)
        command, _ = self.command(*words)
        with mock.patch.object(sys, "argv", command[1:]):
            code = console.run(app)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(command, code, out, err)

    def name(self, run: str) -> str:
        return f"{server.PARENT}/pipelineJobs/{run}"


@pytest.fixture
def google():
    operations = server.Operations()
    jobs = vertex_jobs.PipelineJobs(operations)
    with server.running(jobs, operations) as cloud, google_rest.running() as rest:
        project = {"name": "projects/123", "state": "ACTIVE"}
        rest.projects[server.PROJECT] = project
        rest.buckets["trips-bucket"] = {"location": server.REGION.upper()}
        rest.enabled |= {
            f"{name}.googleapis.com"
            for name in ("aiplatform", "artifactregistry", "storage", "iam")
        }
        rest.accounts[ACCOUNT] = {"iam.serviceAccounts.actAs"}
        rest.manifests[f"{PATH}@{DIGEST}"] = DIGEST
        cloud.environment |= rest.environment
        with cloud.here():
            yield Google(cloud, rest, jobs)


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
    seal.seal(made)
    return made


@pytest.fixture
def job_file(job, tmp_path):
    file = tmp_path / "job.json"
    file.write_text(json.dumps(job), encoding="utf-8")
    return file


@dataclasses.dataclass
class Vertex:
    """The running cloud and its services."""

    cloud: server.Cloud
    jobs: vertex_jobs.PipelineJobs
    schedules: vertex_schedules.Schedules


@pytest.fixture(scope="session")
def trips():
    """A configuration of the loopback's project."""
    return config_lib.load((), OVERRIDES, platform="vertex").config


@pytest.fixture(scope="session")
def compiled(trips):
    """Its compiled job."""
    return compiler.compile_job(trips)


@pytest.fixture
def there():
    """A Vertex that this process finds; its clock stands still."""
    operations = server.Operations()
    jobs = vertex_jobs.PipelineJobs(operations)
    schedules = vertex_schedules.Schedules(jobs, operations, lambda: NOW)
    with server.running(jobs, schedules, operations) as cloud, cloud.here():
        yield Vertex(cloud, jobs, schedules)
