"""Vertex AI's EndpointService: endpoints, deployed models, traffic."""

from __future__ import annotations

import itertools
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

from google.cloud.aiplatform_v1.types import endpoint as endpoint_types
from google.cloud.aiplatform_v1.types import endpoint_service as requests
from google.longrunning import operations_pb2
from google.protobuf import timestamp_pb2
from google.rpc import status_pb2

from tests.fakes import labels
from tests.fakes.server import PARENT, Method, Operations, refuse

_UPDATABLE = {"display_name", "description", "labels", "traffic_split"}
_OUTPUT_ONLY = ("name", "deployed_models", "create_time", "update_time")
_SHARED_ONLY = "automatic_resources"


class Endpoints:
    """The endpoints of one project and region.

    Attributes:
      failing: (code, words) with which the next deployments end, after they started.
      known: endpoints by resource name.
    """

    name = "google.cloud.aiplatform.v1.EndpointService"

    def __init__(
        self, operations: Operations, version_of: Callable[[str], tuple[str, str]]
    ) -> None:
        """Makes the service.

        Args:
          operations: where the long-running ones are asked for.
          version_of: a model's name, with @VERSION or @ALIAS or neither -> its name
            without that, and the version's id; refuses a model that is not there.
        """
        self.known: dict[str, Any] = {}
        self.failing: list[tuple[int, str]] = []
        self._operations = operations
        self._version_of = version_of
        self._ids = itertools.count(4001)
        self._clock = itertools.count(1_790_000_000)

    def methods(self) -> Mapping[str, Method]:
        """All but those of long-running updates and mutation."""
        operation = operations_pb2.Operation
        return types.MappingProxyType(
            {
                "CreateEndpoint": Method(
                    requests.CreateEndpointRequest, operation, self._create
                ),
                "GetEndpoint": Method(
                    requests.GetEndpointRequest,
                    endpoint_types.Endpoint,
                    lambda request: self._get(request.name),
                ),
                "ListEndpoints": Method(
                    requests.ListEndpointsRequest,
                    requests.ListEndpointsResponse,
                    self._list,
                ),
                "UpdateEndpoint": Method(
                    requests.UpdateEndpointRequest,
                    endpoint_types.Endpoint,
                    self._update,
                ),
                "DeleteEndpoint": Method(
                    requests.DeleteEndpointRequest, operation, self._delete
                ),
                "DeployModel": Method(
                    requests.DeployModelRequest, operation, self._deploy
                ),
                "UndeployModel": Method(
                    requests.UndeployModelRequest, operation, self._undeploy
                ),
            }
        )

    def _create(self, request: Any) -> Any:
        if request.parent != PARENT:
            refuse("NOT_FOUND", f"Location {request.parent} is not found")
        endpoint, id_ = request.endpoint, request.endpoint_id or str(next(self._ids))
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]{0,9}", id_):
            refuse("INVALID_ARGUMENT", f"Invalid endpoint_id: {id_}")
        if not 0 < len(endpoint.display_name) <= 128:
            refuse("INVALID_ARGUMENT", "display_name must have 1 to 128 characters")
        for field in _OUTPUT_ONLY:
            if getattr(endpoint, field):
                refuse("INVALID_ARGUMENT", f"endpoint.{field} is output only")
        labels.require_labels(endpoint.labels)
        _require_split(endpoint.traffic_split, set())
        name = f"{PARENT}/endpoints/{id_}"
        if name in self.known:
            refuse("ALREADY_EXISTS", f"Endpoint {name} already exists")
        made = _copy(endpoint)
        made.name = name
        made.create_time = self._now()
        self._touch(made)
        return self._operations.started(
            endpoint_types.Endpoint.pb(made), lambda: self.known.update({name: made})
        )

    def _get(self, name: str) -> Any:
        if name not in self.known:
            refuse("NOT_FOUND", f"Endpoint {name} is not found")
        return self.known[name]

    def _list(self, request: Any) -> Any:
        found = [e for e in self.known.values() if _matches(e, request.filter)]
        return requests.ListEndpointsResponse(endpoints=found)

    def _update(self, request: Any) -> Any:
        current = self._get(request.endpoint.name)
        paths = list(request.update_mask.paths)
        if not paths or not set(paths) <= _UPDATABLE:
            refuse("INVALID_ARGUMENT", f"Invalid update_mask: {', '.join(paths)}")
        if request.endpoint.etag and request.endpoint.etag != current.etag:
            refuse("ABORTED", "The etag does not match: the endpoint was changed")
        if "traffic_split" in paths:
            ids = {deployed.id for deployed in current.deployed_models}
            _require_split(request.endpoint.traffic_split, ids)
        if "labels" in paths:
            labels.require_labels(request.endpoint.labels)
        for path in paths:
            setattr(current, path, getattr(request.endpoint, path))
        self._touch(current)
        return current

    def _delete(self, request: Any) -> Any:
        from google.protobuf import empty_pb2

        if self._get(request.name).deployed_models:
            refuse("FAILED_PRECONDITION", "The endpoint has deployed models")
        return self._operations.started(
            empty_pb2.Empty(), lambda: self.known.pop(request.name, None)
        )

    def _deploy(self, request: Any) -> Any:
        endpoint = self._get(request.endpoint)
        model, version = self._version_of(request.deployed_model.model)
        deployed = self._checked(request.deployed_model)
        taken = {other.id for other in endpoint.deployed_models}
        deployed.id = deployed.id or str(next(self._ids))
        if deployed.id in taken:
            refuse("ALREADY_EXISTS", f"DeployedModel {deployed.id} already exists")
        split = {
            deployed.id if id_ == "0" else id_: percent
            for id_, percent in request.traffic_split.items()
        }
        _require_split(split, {*taken, deployed.id})
        if self.failing:
            code, words = self.failing.pop(0)
            return operations_pb2.Operation(
                name=f"{PARENT}/operations/failed",
                done=True,
                error=status_pb2.Status(code=code, message=words),
            )
        deployed.model, deployed.model_version_id = model, version
        deployed.create_time = self._now()

        def there() -> None:
            endpoint.deployed_models.append(deployed)
            if split:
                endpoint.traffic_split = split
            self._touch(endpoint)

        response = requests.DeployModelResponse(deployed_model=deployed)
        return self._operations.started(
            requests.DeployModelResponse.pb(response), there
        )

    def _checked(self, deployed: Any) -> Any:
        if deployed.id and not re.fullmatch("[0-9]{1,10}", deployed.id):
            refuse("INVALID_ARGUMENT", f"Invalid DeployedModel id: {deployed.id}")
        machine = deployed.dedicated_resources
        if not machine.machine_spec.machine_type and _SHARED_ONLY not in deployed:
            refuse("INVALID_ARGUMENT", "dedicated_resources.machine_spec is required")
        if machine.min_replica_count < 1:
            refuse("INVALID_ARGUMENT", "min_replica_count must be at least 1")
        if 0 < machine.max_replica_count < machine.min_replica_count:
            refuse("INVALID_ARGUMENT", "max_replica_count is below min_replica_count")
        return type(deployed)(deployed)

    def _undeploy(self, request: Any) -> Any:
        endpoint = self._get(request.endpoint)
        staying = [
            deployed
            for deployed in endpoint.deployed_models
            if deployed.id != request.deployed_model_id
        ]
        if len(staying) == len(endpoint.deployed_models):
            refuse("NOT_FOUND", f"no DeployedModel {request.deployed_model_id}")
        split = dict(request.traffic_split or endpoint.traffic_split)
        if split.pop(request.deployed_model_id, 0) and staying:
            refuse(
                "INVALID_ARGUMENT",
                "The DeployedModel still has traffic; give a traffic_split without it",
            )
        _require_split(split, {deployed.id for deployed in staying})

        def gone() -> None:
            endpoint.deployed_models = staying
            endpoint.traffic_split = split
            self._touch(endpoint)

        response = requests.UndeployModelResponse()
        return self._operations.started(
            requests.UndeployModelResponse.pb(response), gone
        )

    def _touch(self, endpoint: Any) -> None:
        endpoint.update_time = self._now()
        endpoint.etag = f"etag-{next(self._clock)}"

    def _now(self) -> timestamp_pb2.Timestamp:
        return timestamp_pb2.Timestamp(seconds=next(self._clock))


def _copy(endpoint: Any) -> Any:
    return endpoint_types.Endpoint.deserialize(
        endpoint_types.Endpoint.serialize(endpoint)
    )


def _require_split(split: Mapping[str, int], deployed: set[str]) -> None:
    unknown = sorted(set(split) - deployed)
    if unknown:
        refuse(
            "INVALID_ARGUMENT",
            f"traffic_split names {', '.join(unknown)}, which is not deployed",
        )
    if any(not 0 <= percent <= 100 for percent in split.values()):
        refuse("INVALID_ARGUMENT", "a traffic percentage must be from 0 to 100")
    if split and sum(split.values()) != 100:
        refuse(
            "INVALID_ARGUMENT",
            f"traffic_split sums to {sum(split.values())}; it must sum to 100",
        )


def _matches(endpoint: Any, filter_: str) -> bool:
    """The documented filters: display_name="X", labels.K=V, joined by AND."""
    for part in filter(None, re.split(r"\s+AND\s+", filter_)):
        found = re.fullmatch(r'(display_name|labels\.[\w-]+)\s*=\s*"?([^"]*)"?', part)
        if not found:
            refuse("INVALID_ARGUMENT", f"Invalid filter: {part}")
        field, value = found.groups()
        seen = (
            endpoint.display_name
            if field == "display_name"
            else endpoint.labels.get(field.removeprefix("labels."))
        )
        if seen != value:
            return False
    return True
