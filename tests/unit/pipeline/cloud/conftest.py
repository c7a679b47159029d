"""A loopback Vertex with schedules and jobs, found by this process."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from pipeline import config as config_lib
from pipeline.runners import vertex
from tests.fakes import server, vertex_jobs, vertex_schedules

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
OVERRIDES = (
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    "output_root=gs://trips-bucket/millrace",
)


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
def job(trips):
    """Its compiled job."""
    return vertex.compile_job(trips)


@pytest.fixture
def there():
    """A Vertex that this process finds; its clock stands still."""
    operations = server.Operations()
    jobs = vertex_jobs.PipelineJobs(operations)
    schedules = vertex_schedules.Schedules(jobs, operations, lambda: NOW)
    with server.running(jobs, schedules, operations) as cloud, cloud.here():
        yield Vertex(cloud, jobs, schedules)
