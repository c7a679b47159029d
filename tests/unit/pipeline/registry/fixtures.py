"""Serving folders, versions in them, and a cloud with a Model Registry."""

from __future__ import annotations

import dataclasses
import functools

import pytest

from pipeline.gcp.registry import Place, VertexRegistry
from pipeline.registry.versions import Origin, Push, Version
from tests.fakes import server, vertex_metadata, vertex_models
from tests.unit.pipeline.registry.serving import Serving, of


@pytest.fixture
def serving(tmp_path) -> Serving:
    return Serving(tmp_path / "serving")


@dataclasses.dataclass
class Vertex:
    """A cloud, and this model's registry in it."""

    cloud: server.Cloud
    models: vertex_models.VertexModels
    metadata: vertex_metadata.VertexMetadata

    place = Place(
        project=server.PROJECT,
        region=server.REGION,
        model="chicago-taxi",
        image="europe-docker.pkg.dev/p/r/serving@sha256:1a",
    )

    @functools.cached_property
    def registry(self) -> VertexRegistry:
        return VertexRegistry(self.place)

    def push(self, run_id: str, promote: bool = True, **origin) -> Version:
        """As the Pusher of that run does."""
        return self.given(run_id, promote, **origin).version

    def given(
        self, run_id: str, promote: bool = True, graph: str = "", **origin
    ) -> Push:
        """The same, and what became of it."""
        return self.registry.push(
            lambda: f"gs://bucket/serving/{run_id}",
            Origin(run_id=run_id, **origin),
            "1a2b",
            of(run_id, graph),
            promote,
        )

    def aliases(self) -> dict[str, str]:
        return self.models.aliases("chicago-taxi")


@pytest.fixture
def vertex():
    operations = server.Operations()
    models = vertex_models.VertexModels(operations)
    metadata = vertex_metadata.VertexMetadata(operations)
    with server.running(operations, models, metadata) as cloud, cloud.here():
        yield Vertex(cloud, models, metadata)
