"""Changes of the traffic against Vertex AI's EndpointService on loopback."""

from __future__ import annotations

import pytest

from pipeline.errors import CloudError, CloudUnavailable
from pipeline.gcp.endpoints import traffic
from pipeline.gcp.endpoints.service import BEFORE, STABLE, Endpoint, EndpointSettings
from pipeline.gcp.endpoints.traffic import State
from pipeline.gcp.registry import Place
from tests.fakes import server, vertex_endpoints

MODEL = f"{server.PARENT}/models/trips"


def version_of(name: str) -> tuple[str, str]:
    model, _, version = name.partition("@")
    if model != MODEL or version not in ("1", "2", "3"):
        server.refuse("NOT_FOUND", f"Model {name} is not found")
    return model, version


@pytest.fixture
def endpoints():
    return vertex_endpoints.Endpoints(server.Operations(), version_of)


@pytest.fixture
def cloud(endpoints):
    with server.running(endpoints) as cloud, cloud.here():
        yield cloud


@pytest.fixture
def endpoint(cloud):
    place = Place(
        project=server.PROJECT,
        region=server.REGION,
        model="trips",
        image="i",
        service_account="serving@trips-project.iam.gserviceaccount.com",
        encryption_key="projects/p/locations/l/keyRings/r/cryptoKeys/k",
    )
    settings = EndpointSettings(name="trips", max_replicas=3)
    return Endpoint(place, settings, {"team": "trips"})


def make(endpoint: Endpoint, rule, *arguments) -> State:
    """Plans on what is there, applies, and looks again."""
    state = endpoint.state()
    endpoint.apply(rule(state, *arguments), state)
    return endpoint.state()


def shares(state: State) -> dict[str, int]:
    return {d.version: d.percent for d in state.deployed}


def test_an_endpoint_that_is_not_there_is_empty(endpoint):
    assert endpoint.state() == State()


def test_a_canary_is_deployed_promoted_rolled_back_and_undeployed(endpoint, cloud):
    make(endpoint, traffic.deploy, "1", 10)
    canary = make(endpoint, traffic.deploy, "2", 10)
    promoted = make(endpoint, traffic.promote)
    back = make(endpoint, traffic.rollback)
    alone = make(endpoint, traffic.undeploy, "2")

    found = [shares(state) for state in (canary, promoted, back, alone)]
    assert found == [
        {"1": 90, "2": 10},
        {"1": 0, "2": 100},
        {"1": 100, "2": 0},
        {"1": 100},
    ]
    assert len(cloud.asked("CreateEndpoint")) == 1


def test_the_endpoint_and_its_machines_are_as_configured(endpoint, endpoints):
    make(endpoint, traffic.deploy, "1", 10)

    made = endpoints.known[endpoint.name]
    assert made.labels == {"team": "trips"}
    assert made.encryption_spec.kms_key_name == endpoint.place.encryption_key
    [deployed] = made.deployed_models
    assert deployed.service_account == endpoint.place.service_account
    assert deployed.model == MODEL
    assert endpoint.state().deployed[0].machine == "1 to 3 x n1-standard-2"


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        (traffic.deploy, ("2", 10)),
        (traffic.deploy, ("3", 30)),
        (traffic.promote, ("2",)),
        (traffic.rollback, ()),
    ],
    ids=["deploy", "grow", "promote", "rollback"],
)
def test_the_traffic_moves_by_a_single_request(endpoint, cloud, rule, arguments):
    make(endpoint, traffic.deploy, "1", 10)
    if rule is not traffic.deploy or arguments[0] == "3":
        make(endpoint, traffic.deploy, arguments[0] if arguments else "2", 10)
    cloud.calls.clear()

    make(endpoint, rule, *arguments)

    writing = [
        name for name, _ in cloud.calls if name not in ("GetEndpoint", "GetOperation")
    ]
    assert writing in (["DeployModel"], ["UpdateEndpoint"])


def test_labels_of_others_survive_a_promotion(endpoint, endpoints):
    make(endpoint, traffic.deploy, "1", 10)
    make(endpoint, traffic.deploy, "2", 10)
    first, second = endpoint.state().deployed

    make(endpoint, traffic.promote)

    labels = endpoints.known[endpoint.name].labels
    assert labels == {"team": "trips", STABLE: second.id, BEFORE: first.id}


def test_a_deployment_that_fails_leaves_the_traffic(endpoint, endpoints):
    make(endpoint, traffic.deploy, "1", 10)
    endpoints.failing.append((8, "The quota of n1-standard-2 is used up"))

    with pytest.raises(CloudUnavailable, match="quota of n1-standard-2 is used up"):
        make(endpoint, traffic.deploy, "2", 10)

    assert shares(endpoint.state()) == {"1": 100}


def test_a_change_of_somebody_else_meanwhile_is_not_overwritten(endpoint):
    make(endpoint, traffic.deploy, "1", 10)
    planned_on = make(endpoint, traffic.deploy, "2", 10)
    make(endpoint, traffic.deploy, "2", 40)

    with pytest.raises(CloudError, match="etag does not match"):
        endpoint.apply(traffic.promote(planned_on), planned_on)

    assert shares(endpoint.state()) == {"1": 60, "2": 40}


def test_a_version_that_is_not_registered_is_refused(endpoint):
    with pytest.raises(CloudError, match=r"Model .*@7 is not found"):
        make(endpoint, traffic.deploy, "7", 10)


def test_an_endpoint_that_another_process_made_meanwhile_is_used(endpoint, cloud):
    cloud.faults.append(("GetEndpoint", "NOT_FOUND", "not yet"))
    cloud.faults.append(("GetEndpoint", "NOT_FOUND", "not yet"))
    other = Endpoint(endpoint.place, endpoint.settings)
    other._create()

    state = make(endpoint, traffic.deploy, "1", 10)

    assert shares(state) == {"1": 100}


def test_a_busy_service_says_so(endpoint, cloud):
    cloud.faults.append(("GetEndpoint", "UNAVAILABLE", "try again"))
    cloud.faults.append(("GetEndpoint", "UNAVAILABLE", "try again"))

    with pytest.raises(CloudUnavailable, match="look at the endpoint trips"):
        endpoint.state()
