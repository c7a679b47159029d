"""An endpoint as Vertex AI has it: read it, and change it by one request at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from concurrent import futures
from typing import Any

from pipeline import errors
from pipeline.gcp import clients
from pipeline.gcp.endpoints.traffic import Change, Deployed, State
from pipeline.gcp.registry import Place

# Labels of the endpoint, moved by the same request as the traffic: deployments' ids.
STABLE, BEFORE = "millrace-stable", "millrace-before"

REQUEST_S = 60
"""Patience with a request that does no work."""

DEPLOY_S = 3600
"""Patience with machines that start, download a container and load a model."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """What the section `vertex.endpoint` wants, as plain values."""

    name: str
    machine_type: str = "n1-standard-2"
    min_replicas: int = 1
    max_replicas: int = 1
    canary_percent: int = 10


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """The endpoint of a configuration; it need not exist yet."""

    place: Place
    """Place of the model whose versions are deployed."""

    settings: EndpointSettings
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its resource name; the id is ours, so that it is never made twice."""
        return f"{self.place.parent}/endpoints/{self.settings.name}"

    @property
    def machine(self) -> str:
        """What a version that is deployed runs on, in words."""
        of = self.settings
        return _many(of.min_replicas, of.max_replicas, of.machine_type)

    def state(self) -> State:
        """What is deployed and has which traffic; empty if the endpoint is not there.

        Raises:
          CloudError: the service refuses to tell.
          CloudUnavailable: it is busy or away.
        """
        found = self._found()
        return State() if found is None else _state(found)

    def apply(self, change: Change, state: State) -> None:
        """Makes the change: the traffic moves by one request, or stays as it was.

        Args:
          change: what to do.
          state: what it was planned on.

        Raises:
          CloudError: the service refused, or somebody changed the traffic meanwhile.
          CloudUnavailable: it is busy, away, or needs longer than an hour.
        """
        if change.kind == "deploy":
            self._deploy(change)
        elif change.kind == "split":
            self._shift(change, state)
        elif change.kind == "undeploy":
            self._undeploy(change, state)

    def _deploy(self, change: Change) -> None:
        if self._found() is None:
            self._create()
        with clients.asking(f"deploy version {change.version}"):
            operation = self._service().deploy_model(
                endpoint=self.name,
                deployed_model=self._deployed_model(change.version),
                traffic_split=dict(change.split),
                timeout=REQUEST_S,
            )
            _wait(operation, f"deploy version {change.version}")

    def _create(self) -> None:
        from google.api_core import exceptions
        from google.cloud import aiplatform_v1 as api

        made = api.Endpoint(display_name=self.settings.name, labels=dict(self.labels))
        if self.place.encryption_key:
            made.encryption_spec.kms_key_name = self.place.encryption_key
        with clients.asking(f"create the endpoint {self.settings.name}"):
            try:
                operation = self._service().create_endpoint(
                    parent=self.place.parent,
                    endpoint=made,
                    endpoint_id=self.settings.name,
                    timeout=REQUEST_S,
                )
                _wait(operation, f"create the endpoint {self.settings.name}")
            except exceptions.AlreadyExists:
                return  # another process was faster

    def _shift(self, change: Change, state: State) -> None:
        from google.cloud import aiplatform_v1 as api

        moved = {STABLE: change.stable, BEFORE: change.before}
        kept = {k: v for k, v in state.labels.items() if k not in moved}
        with clients.asking("move the traffic"):
            self._service().update_endpoint(
                endpoint=api.Endpoint(
                    name=self.name,
                    traffic_split=dict(change.split),
                    labels=kept | {key: id_ for key, id_ in moved.items() if id_},
                    etag=state.etag,
                ),
                update_mask={"paths": ["traffic_split", "labels"]},
                timeout=REQUEST_S,
            )

    def _undeploy(self, change: Change, state: State) -> None:
        deployed = state.of_version(change.version)
        with clients.asking(f"undeploy version {change.version}"):
            operation = self._service().undeploy_model(
                endpoint=self.name,
                deployed_model_id=deployed.id if deployed else "",
                timeout=REQUEST_S,
            )
            _wait(operation, f"undeploy version {change.version}")

    def _deployed_model(self, version: str) -> Any:
        from google.cloud import aiplatform_v1 as api

        deployed = api.DeployedModel(
            model=f"{self.place.name}@{version}",
            display_name=f"{self.settings.name}-{version}",
            dedicated_resources=api.DedicatedResources(
                machine_spec=api.MachineSpec(machine_type=self.settings.machine_type),
                min_replica_count=self.settings.min_replicas,
                max_replica_count=self.settings.max_replicas,
            ),
        )
        if self.place.service_account:
            deployed.service_account = self.place.service_account
        return deployed

    def _found(self) -> Any:
        from google.api_core import exceptions

        with clients.asking(f"look at the endpoint {self.settings.name}"):
            try:
                return self._service().get_endpoint(name=self.name, timeout=REQUEST_S)
            except exceptions.NotFound:
                return None

    def _service(self) -> Any:
        from google.cloud.aiplatform_v1 import EndpointServiceClient

        return clients.vertex(EndpointServiceClient, self.place.region)


def _state(endpoint: Any) -> State:
    split: Mapping[str, int] = endpoint.traffic_split
    ordered = sorted(endpoint.deployed_models, key=lambda d: d.create_time.timestamp())
    return State(
        tuple(
            Deployed(
                id=deployed.id,
                version=deployed.model_version_id,
                percent=split.get(deployed.id, 0),
                machine=_machine(deployed.dedicated_resources),
            )
            for deployed in ordered
        ),
        stable=endpoint.labels.get(STABLE),
        before=endpoint.labels.get(BEFORE),
        etag=endpoint.etag,
        labels=dict(endpoint.labels),
    )


def _machine(resources: Any) -> str:
    return _many(
        resources.min_replica_count,
        resources.max_replica_count,
        resources.machine_spec.machine_type,
    )


def _many(least: int, most: int, machine: str) -> str:
    return f"{least} to {most} x {machine}" if most > least else f"{least} x {machine}"


def _wait(operation: Any, what: str) -> None:
    try:
        operation.result(timeout=DEPLOY_S)
    except futures.TimeoutError:
        raise errors.CloudUnavailable(
            f"{what}: not finished within {DEPLOY_S} s; it goes on there. "
            "`endpoint show` says what became of it"
        ) from None
