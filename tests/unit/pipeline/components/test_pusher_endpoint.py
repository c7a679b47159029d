"""A run's version goes to the endpoint when the configuration says so."""

from __future__ import annotations

import pytest
from tfx.types import standard_artifacts

from pipeline.components import pusher
from pipeline.config import config as config_lib
from pipeline.platforms import settings as settings_of
from tests.fakes import server, vertex_endpoints, vertex_metadata, vertex_models

SETS = (
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    "vertex.model={name: trips, serving_image: i}",
    "vertex.endpoint={name: trips, deploy_candidate: true}",
)


@pytest.fixture
def config():
    return config_lib.load(overrides=SETS, platform="vertex").config


@pytest.fixture
def cloud():
    operations = server.Operations()
    models = vertex_models.VertexModels(operations)
    models.add("trips", {number: [] for number in ("1", "2", "3")})
    metadata = vertex_metadata.VertexMetadata(operations)
    endpoints = vertex_endpoints.Endpoints(operations, models.find)
    with server.running(operations, models, metadata, endpoints) as cloud, cloud.here():
        yield cloud


@pytest.fixture
def deploy(config, cloud):
    """Deploys a version as the Pusher does; returns what its artifact says."""

    def deploy(number: str, settings: dict | None = None) -> str:
        artifact = standard_artifacts.PushedModel()
        where = f"{server.PARENT}/models/trips@{number}"
        artifact.set_string_custom_property("registered", where)
        chosen = settings_of.endpoint(config) if settings is None else settings
        pusher._deploy(artifact, chosen, "run-7")
        return artifact.get_string_custom_property("endpoint") or ""

    return deploy


def shares(config) -> dict[str, int]:
    deployed = settings_of.endpoint_of(config).state().deployed
    return {each.version: each.percent for each in deployed}


def test_the_first_takes_all_and_the_next_is_the_canary(config, deploy):
    words = [deploy("1"), deploy("2")]

    assert words == ["version 1 takes all", "version 2 takes 10 %, version 1 the rest"]
    assert shares(config) == {"1": 90, "2": 10}


def test_a_second_canary_waits_for_a_person(config, deploy):
    deploy("1")
    deploy("2")

    words = deploy("3")

    assert words.startswith("not deployed: version 2 is the canary with 10 %")
    assert shares(config) == {"1": 90, "2": 10}


def test_a_service_that_says_no_does_not_undo_the_push(deploy, cloud):
    cloud.faults.append(("DeployModel", "RESOURCE_EXHAUSTED", "no n1 is left"))

    assert "not deployed: " in deploy("1")


def test_without_the_setting_nothing_is_asked(deploy, cloud):
    assert deploy("1", {}) == ""
    assert cloud.calls == []
