"""Each change is written down before it is made, and closed after."""

from __future__ import annotations

import json

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import CloudError, CloudUnavailable, ConfigError, UsageError
from pipeline.gcp.endpoints import moves, traffic
from pipeline.platforms import settings as settings_of
from tests.fakes import server, vertex_endpoints, vertex_metadata, vertex_models

SETS = (
    f"vertex.project={server.PROJECT}",
    f"vertex.region={server.REGION}",
    "vertex.model={name: trips, serving_image: i}",
    "vertex.endpoint={name: trips, canary_percent: 20, deploy_candidate: true}",
)


@pytest.fixture
def config():
    return config_lib.load(overrides=SETS, platform="vertex").config


@pytest.fixture
def cloud():
    operations = server.Operations()
    models = vertex_models.VertexModels(operations)
    models.add("trips", {"1": ["champion", "default"], "2": ["candidate"]})
    services = [
        models,
        vertex_metadata.VertexMetadata(operations, with_store=False),
        vertex_endpoints.Endpoints(operations, models.find),
    ]
    with server.running(operations, *services) as cloud, cloud.here():
        yield cloud


@pytest.fixture
def endpoint(config, cloud):
    return settings_of.endpoint_of(config)


def make(endpoint, action, rule, *arguments):
    state = endpoint.state()
    change = rule(state, *arguments)
    moves.carry_out(endpoint, action, change, state, "ada", f"to {action}")


def records(endpoint):
    found = moves.journal_of(endpoint).entries()
    return [
        (e.action, e.version, e.before, e.after, e.actor, e.reason, e.state)
        for e in found
    ]


def test_who_changed_what_and_why_is_kept(endpoint):
    make(endpoint, "deploy", traffic.deploy, "1", 10)
    make(endpoint, "deploy", traffic.deploy, "2", 10)
    make(endpoint, "promote", traffic.promote)

    assert records(endpoint) == [
        (
            *("promote", "2", "1: 90 %, 2: 10 %", "2: 100 %"),
            *("ada", "to promote", "COMPLETE"),
        ),
        (
            *("deploy", "2", "1: 100 %", "1: 90 %, 2: 10 %"),
            *("ada", "to deploy", "COMPLETE"),
        ),
        ("deploy", "1", "", "1: 100 %", "ada", "to deploy", "COMPLETE"),
    ]


def test_a_change_that_is_refused_is_kept_as_failed(endpoint, cloud):
    make(endpoint, "deploy", traffic.deploy, "1", 10)
    cloud.faults.append(("DeployModel", "PERMISSION_DENIED", "not you"))

    with pytest.raises(CloudError, match="not you"):
        make(endpoint, "deploy", traffic.deploy, "2", 10)

    assert records(endpoint)[0][-1] == "FAILED"
    assert [d.version for d in endpoint.state().deployed] == ["1"]


def test_nothing_moves_that_cannot_be_written_down(endpoint, cloud):
    cloud.faults.append(("CreateExecution", "UNAVAILABLE", "try again"))

    with pytest.raises(CloudUnavailable, match="write the change down"):
        make(endpoint, "deploy", traffic.deploy, "1", 10)

    assert not cloud.asked("DeployModel")


def test_a_process_that_dies_before_the_request_leaves_the_traffic(
    endpoint, cloud, monkeypatch
):
    make(endpoint, "deploy", traffic.deploy, "1", 10)
    make(endpoint, "deploy", traffic.deploy, "2", 10)

    def die(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(endpoint), "apply", die)
    with pytest.raises(KeyboardInterrupt):
        make(endpoint, "promote", traffic.promote)

    assert [d.percent for d in endpoint.state().deployed] == [90, 10]
    assert records(endpoint)[0][-1] == "RUNNING"


def test_a_change_that_is_none_leaves_no_record(endpoint):
    make(endpoint, "deploy", traffic.deploy, "1", 10)
    make(endpoint, "deploy", traffic.deploy, "1", 100)

    assert len(records(endpoint)) == 1


@pytest.mark.parametrize(
    ("wanted", "number"), [("candidate", "2"), ("champion", "1"), ("2", "2")]
)
def test_a_version_has_a_number_or_an_alias(endpoint, wanted, number):
    assert moves.version_of(endpoint, wanted) == number


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("3", "there is no version 3"), ("next", "there is no version next")],
)
def test_a_version_that_is_not_there_is_a_users_mistake(endpoint, wanted, words):
    with pytest.raises(UsageError, match=words):
        moves.version_of(endpoint, wanted)


def test_a_run_deploys_its_version_once_as_the_configured_canary(
    config, endpoint, cloud
):
    make(endpoint, "deploy", traffic.deploy, "1", 10)

    settings = json.loads(json.dumps(settings_of.endpoint(config)))
    first = moves.deploy_candidate(settings, "2", "run-7")
    again = moves.deploy_candidate(settings, "2", "run-7")

    assert (first.kind, again.kind) == ("deploy", "none")
    assert [d.percent for d in endpoint.state().deployed] == [80, 20]
    assert records(endpoint)[0][4:6] == ("pipeline", "run run-7: blessed, and serves")


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ((), r"vertex\.model is not set"),
        (SETS[2:3], r"vertex\.endpoint is not set"),
    ],
    ids=["model", "endpoint"],
)
def test_a_configuration_without_an_endpoint_says_what_it_needs(sets, words):
    config = config_lib.load(overrides=sets, platform="vertex").config

    with pytest.raises(ConfigError, match=words):
        settings_of.endpoint_of(config)


def test_a_run_deploys_only_if_the_configuration_says_so():
    sets = [*SETS, "vertex.endpoint.deploy_candidate=false"]

    config = config_lib.load(overrides=sets, platform="vertex").config

    assert settings_of.endpoint(config) is None
