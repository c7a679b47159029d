"""All of a Google Cloud that a run on Vertex AI meets, in a project that is in order.

What a test needs otherwise it changes: `google.rest.buckets.clear()`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Iterator

from tests.fakes import (
    artifact_registry,
    google_rest,
    server,
    vertex_jobs,
    vertex_schedules,
)

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
"""Where its clock stands, unless a test says another time."""

BUCKET = "trips-bucket"
ACCOUNT = f"runner@{server.PROJECT}.iam.gserviceaccount.com"
DIGEST = "sha256:" + "ab" * 32
_IMAGE = f"{server.PROJECT}/millrace/millrace"


@dataclasses.dataclass
class Google:
    """The services, each as a test may look into it."""

    cloud: server.Cloud
    rest: google_rest.GoogleRest
    jobs: vertex_jobs.PipelineJobs
    schedules: vertex_schedules.Schedules
    registry: artifact_registry.ArtifactRegistry
    operations: server.Operations
    templates: str
    """URL of the registry's repository of compiled pipelines."""

    @property
    def image(self) -> str:
        """The container image that there is, by its digest."""
        return f"{self.rest.address}/{_IMAGE}@{DIGEST}"

    def name(self, run: str) -> str:
        """The resource name of a job."""
        return f"{server.PARENT}/pipelineJobs/{run}"


@contextlib.contextmanager
def running(now: datetime.datetime = NOW) -> Iterator[Google]:
    """All of it on free ports of loopback; this process finds it, too."""
    operations = server.Operations()
    jobs = vertex_jobs.PipelineJobs(operations, start=now)
    schedules = vertex_schedules.Schedules(jobs, operations, lambda: now)
    registry = artifact_registry.ArtifactRegistry(operations)
    with (
        server.running(jobs, schedules, registry) as cloud,
        google_rest.running() as rest,
        registry.host() as templates,
    ):
        _fill(rest)
        cloud.environment |= rest.environment
        cloud.environment["REQUESTS_CA_BUNDLE"] = str(server.roots())
        with cloud.here():
            yield Google(cloud, rest, jobs, schedules, registry, operations, templates)


def _fill(rest: google_rest.GoogleRest) -> None:
    rest.projects[server.PROJECT] = {"name": "projects/123", "state": "ACTIVE"}
    rest.buckets[BUCKET] = {"location": server.REGION.upper()}
    rest.enabled |= {
        f"{name}.googleapis.com"
        for name in ("aiplatform", "artifactregistry", "storage", "iam")
    }
    rest.accounts[ACCOUNT] = {"iam.serviceAccounts.actAs"}
    rest.manifests[f"{_IMAGE}@{DIGEST}"] = DIGEST
