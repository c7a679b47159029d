"""A cloud with Artifact Registry in it, and a configuration that points there."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.fakes import artifact_registry, server


@pytest.fixture
def shelf(tmp_path):
    """cloud, registry, url of the repository, environment of a process that asks."""
    operations = server.Operations()
    registry = artifact_registry.ArtifactRegistry(operations)
    with server.running(registry, operations) as cloud, registry.host() as url:
        key = json.loads(server.service_account().read_text("utf-8"))
        key["token_uri"] = f"{url.partition(f'/{server.PROJECT}')[0]}/token"
        file = tmp_path / "key.json"
        file.write_text(json.dumps(key), "utf-8")
        cloud.environment |= {
            "GOOGLE_APPLICATION_CREDENTIALS": str(file),
            "REQUESTS_CA_BUNDLE": str(server.roots()),
        }
        with cloud.here():
            yield SimpleNamespace(cloud=cloud, registry=registry, url=url)
