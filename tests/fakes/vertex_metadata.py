"""Vertex ML Metadata: stores, and in them contexts, executions, artifacts, events."""

from __future__ import annotations

import copy
import datetime
import itertools
import re
import types
from collections.abc import Mapping
from typing import Any

from google.cloud.aiplatform_v1.types import (
    artifact,
    context,
    event,
    execution,
    lineage_subgraph,
    metadata_schema,
    metadata_service,
    metadata_store,
)
from google.longrunning import operations_pb2
from google.protobuf import field_mask_pb2, json_format

from tests.fakes import labels, listing, server

STORE = f"{server.PARENT}/metadataStores/default"

_ID = r"[a-z0-9-]{4,128}"
_NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
_MOST = 1000
"""Of each kind that a lineage answer may hold."""

_SYSTEM = frozenset(
    "system." + name
    for name in (
        *("Artifact", "Dataset", "Model", "Metrics", "ClassificationMetrics", "Run"),
        *("ContainerExecution", "CustomJobExecution", "DagExecution", "Experiment"),
        *("ImporterExecution", "ResolverExecution", "ExperimentRun", "Pipeline"),
        "PipelineRun",
    )
)


class VertexMetadata:
    """The metadata stores of one project and region.

    Attributes:
      resources: 'stores', 'contexts', 'executions', 'artifacts', 'metadataSchemas' ->
        resource name -> resource.
      events: all of them.
    """

    name = "google.cloud.aiplatform.v1.MetadataService"

    def __init__(self, operations: server.Operations, with_store: bool = True) -> None:
        """A project whose default store exists, or will only with its first use."""
        self.resources: dict[str, dict[str, Any]] = {
            kind: {}
            for kind in (
                "metadataStores",
                "contexts",
                "executions",
                "artifacts",
                "metadataSchemas",
            )
        }
        self.events: list[Any] = []
        self._members: dict[str, set[str]] = {}
        self._operations = operations
        self._clock = itertools.count(1)
        if with_store:
            self.resources["metadataStores"][STORE] = metadata_store.MetadataStore(
                name=STORE
            )

    def methods(self) -> Mapping[str, server.Method]:
        """What of the service is here."""
        of, operation, method = (
            metadata_service,
            operations_pb2.Operation,
            server.Method,
        )
        found = {
            "CreateMetadataStore": method(
                of.CreateMetadataStoreRequest, operation, self._create_store
            ),
            "GetMetadataStore": method(
                of.GetMetadataStoreRequest,
                metadata_store.MetadataStore,
                lambda request: self._one("metadataStores", request.name),
            ),
            "ListMetadataStores": method(
                of.ListMetadataStoresRequest,
                of.ListMetadataStoresResponse,
                self._list_stores,
            ),
            "AddExecutionEvents": method(
                of.AddExecutionEventsRequest,
                of.AddExecutionEventsResponse,
                self._add_events,
            ),
            "AddContextArtifactsAndExecutions": method(
                of.AddContextArtifactsAndExecutionsRequest,
                of.AddContextArtifactsAndExecutionsResponse,
                self._add_members,
            ),
            "AddContextChildren": method(
                of.AddContextChildrenRequest,
                of.AddContextChildrenResponse,
                self._add_children,
            ),
            "RemoveContextChildren": method(
                of.RemoveContextChildrenRequest,
                of.RemoveContextChildrenResponse,
                self._remove_children,
            ),
            "QueryContextLineageSubgraph": method(
                of.QueryContextLineageSubgraphRequest,
                lineage_subgraph.LineageSubgraph,
                self._of_context,
            ),
            "QueryExecutionInputsAndOutputs": method(
                of.QueryExecutionInputsAndOutputsRequest,
                lineage_subgraph.LineageSubgraph,
                self._of_execution,
            ),
            "QueryArtifactLineageSubgraph": method(
                of.QueryArtifactLineageSubgraphRequest,
                lineage_subgraph.LineageSubgraph,
                self._of_artifact,
            ),
        }
        for singular, kind in (
            ("Context", context.Context),
            ("Execution", execution.Execution),
            ("Artifact", artifact.Artifact),
            ("MetadataSchema", metadata_schema.MetadataSchema),
        ):
            found |= self._resource(singular, kind)
        return types.MappingProxyType(found)

    def _resource(self, singular: str, kind: Any) -> dict[str, server.Method]:
        """Create, Get, List, Update and Delete of one kind."""
        plural = f"{singular[0].lower()}{singular[1:]}s"
        field = re.sub(r"(?<!^)(?=[A-Z])", "_", singular).lower()
        of = metadata_service
        answers = {
            "Create": lambda r: self._create(
                plural, getattr(r, field), r, f"{field}_id"
            ),
            "Get": lambda r: self._one(plural, r.name),
            "Update": lambda r: self._update(plural, getattr(r, field), r),
            "Delete": lambda r: self._delete(plural, r),
        }
        found = {
            verb + singular: server.Method(
                getattr(of, f"{verb}{singular}Request"),
                operations_pb2.Operation if verb == "Delete" else kind,
                answer,
            )
            for verb, answer in answers.items()
            if hasattr(of, f"{verb}{singular}Request")
        }
        response = getattr(of, f"List{singular}sResponse")
        items = f"{field}s"

        def list_(request: Any) -> Any:
            page, token = self._listed(plural, request)
            return response(**{items: page}, next_page_token=token)

        found[f"List{singular}s"] = server.Method(
            getattr(of, f"List{singular}sRequest"), response, list_
        )
        return found

    # Stores

    def _create_store(self, request: Any) -> Any:
        if request.parent != server.PARENT:
            server.refuse("PERMISSION_DENIED", f"no access to '{request.parent}'")
        store_id = request.metadata_store_id or "default"
        _require_id(store_id)
        name = f"{server.PARENT}/metadataStores/{store_id}"
        if name in self.resources["metadataStores"]:
            server.refuse("ALREADY_EXISTS", f"MetadataStore {name} already exists")
        store = copy.deepcopy(request.metadata_store)
        store.name = name
        stores = self.resources["metadataStores"]
        return self._operations.started(
            metadata_store.MetadataStore.pb(store),
            lambda: stores.update({name: store}),
            metadata_service.CreateMetadataStoreOperationMetadata.pb(
                metadata_service.CreateMetadataStoreOperationMetadata()
            ),
        )

    def _list_stores(self, request: Any) -> Any:
        found = list(self.resources["metadataStores"].values())
        page, token = listing.page(request, found, self._field)
        return metadata_service.ListMetadataStoresResponse(
            metadata_stores=page, next_page_token=token
        )

    # Resources in a store

    def _create(self, plural: str, given: Any, request: Any, id_field: str) -> Any:
        self._one("metadataStores", request.parent)
        number = next(self._clock)
        own_id = getattr(request, id_field) or f"generated-{number}"
        _require_id(own_id)
        name = f"{request.parent}/{plural}/{own_id}"
        if name in self.resources[plural]:
            server.refuse("ALREADY_EXISTS", f"{name} already exists")
        made = copy.deepcopy(given)
        made.name = name
        if plural != "metadataSchemas":
            self._require_schema(request.parent, made)
            labels.require_labels(made.labels)
            made.update_time = self._at(number)
            made.etag = str(number)
        made.create_time = self._at(number)
        self.resources[plural][name] = made
        return made

    def _require_schema(self, store: str, resource: Any) -> None:
        title, version = resource.schema_title, resource.schema_version
        registered = {
            re.search(r"title:\s*(\S+)", schema.schema)[1]  # type: ignore[index]
            for name, schema in self.resources["metadataSchemas"].items()
            if name.startswith(store)
        }
        known = title in _SYSTEM or title in registered
        # Those that Vertex's services and pipelines register on their way.
        if title and not known and not title.startswith(("google.", "tfx.")):
            server.refuse(
                "INVALID_ARGUMENT", f"MetadataSchema {title} {version} does not exist"
            )
        if title and not re.fullmatch(r"\d+\.\d+\.\d+", version):
            server.refuse(
                "INVALID_ARGUMENT", f"schema_version: '{version}' is not like 0.0.1"
            )

    def _update(self, plural: str, given: Any, request: Any) -> Any:
        kept = self.resources[plural].get(given.name)
        if kept is None:
            server.refuse("NOT_FOUND", f"{given.name} does not exist")
        if given.etag and given.etag != kept.etag:
            server.refuse("ABORTED", f"etag of {given.name} is outdated")
        paths = list(request.update_mask.paths) or [
            each
            for each in ("display_name", "state", "metadata", "labels", "description")
            if each in type(given).meta.fields and each in given
        ]
        for path in paths:
            if path in ("name", "schema_title", "schema_version", "create_time"):
                server.refuse("INVALID_ARGUMENT", f"update_mask: {path} cannot change")
            if path not in type(given).meta.fields:
                server.refuse("INVALID_ARGUMENT", f"update_mask: no field {path}")
        # By the raw protobufs: a nested Struct cannot be copied as proto-plus has it.
        pb = type(given).pb
        mask = field_mask_pb2.FieldMask(paths=paths)
        mask.MergeMessage(pb(given), pb(kept), True, True)
        number = next(self._clock)
        kept.update_time, kept.etag = self._at(number), str(number)
        return kept

    def _delete(self, plural: str, request: Any) -> Any:
        kept = self._one(plural, request.name)
        if request.etag and request.etag != kept.etag:
            server.refuse("ABORTED", f"etag of {request.name} is outdated")

        def gone() -> None:
            self.resources[plural].pop(request.name, None)
            self.events = [
                e for e in self.events if request.name not in (e.artifact, e.execution)
            ]

        return self._operations.started(server.EMPTY(), gone)

    def _listed(self, plural: str, request: Any) -> tuple[list[Any], str]:
        self._one("metadataStores", request.parent)
        found = [
            resource
            for name, resource in self.resources[plural].items()
            if name.startswith(f"{request.parent}/")
        ]
        return listing.page(request, found, self._field, {"in_context": self._is_in})

    def _is_in(self, resource: Any, name: str) -> bool:
        return resource.name in self._members.get(name, set())

    def _field(self, resource: Any, path: str) -> Any:
        """What the service filters on and orders by."""
        first, *rest = path.split(".")
        if first == "metadata" and len(rest) == 2:
            kind = {"string_value": str, "number_value": float, "bool_value": bool}
            values = json_format.MessageToDict(type(resource).pb(resource).metadata)
            value = values.get(rest[0])
            return value if isinstance(value, kind[rest[1]]) else None
        if path in ("parent_contexts", "child_contexts"):
            return self._family(resource, path)
        if first == "labels" and rest:
            return dict(resource.labels).get(rest[0])
        if path in ("create_time", "update_time"):
            return getattr(resource, path).strftime("%Y-%m-%dT%H:%M:%SZ")
        if path == "state":
            return resource.state.name
        known = ("name", "display_name", "schema_title", "uri", "schema_version")
        if rest or path not in known or path not in type(resource).meta.fields:
            raise KeyError(path)
        return getattr(resource, path)

    def _family(self, resource: Any, path: str) -> list[str]:
        if path == "parent_contexts":
            return list(resource.parent_contexts)
        contexts = self.resources["contexts"].items()
        return [name for name, c in contexts if resource.name in c.parent_contexts]

    def _one(self, plural: str, name: str) -> Any:
        if name not in self.resources[plural]:
            server.refuse("NOT_FOUND", f"{name} does not exist")
        return self.resources[plural][name]

    # Edges

    def _add_events(self, request: Any) -> Any:
        self._one("executions", request.execution)
        for given in request.events:
            self._one("artifacts", given.artifact)
            if given.type_ == event.Event.Type.TYPE_UNSPECIFIED:
                server.refuse("INVALID_ARGUMENT", "event.type is required")
            labels.require_labels(given.labels)
        for given in request.events:
            same = [
                e
                for e in self.events
                if (e.artifact, e.execution, e.type_)
                == (given.artifact, request.execution, given.type_)
            ]
            if same:
                continue  # the service takes the same edge twice as one
            made = copy.deepcopy(given)
            made.execution = request.execution
            made.event_time = self._at(next(self._clock))
            self.events.append(made)
        return metadata_service.AddExecutionEventsResponse()

    def _add_members(self, request: Any) -> Any:
        self._one("contexts", request.context)
        for plural in ("artifacts", "executions"):
            for name in getattr(request, plural):
                self._one(plural, name)
        members = self._members.setdefault(request.context, set())
        members.update(request.artifacts, request.executions)
        return metadata_service.AddContextArtifactsAndExecutionsResponse()

    def _add_children(self, request: Any) -> Any:
        self._one("contexts", request.context)
        for name in request.child_contexts:
            child = self._one("contexts", name)
            if name == request.context or name in self._ancestors(request.context):
                server.refuse("INVALID_ARGUMENT", f"{name} would be its own ancestor")
            if request.context not in child.parent_contexts:
                child.parent_contexts.append(request.context)
        return metadata_service.AddContextChildrenResponse()

    def _remove_children(self, request: Any) -> Any:
        for name in request.child_contexts:
            child = self._one("contexts", name)
            if request.context not in child.parent_contexts:
                server.refuse("NOT_FOUND", f"{name} is no child of {request.context}")
            child.parent_contexts.remove(request.context)
        return metadata_service.RemoveContextChildrenResponse()

    def _ancestors(self, name: str) -> set[str]:
        parents = set(self.resources["contexts"][name].parent_contexts)
        return parents.union(*(self._ancestors(parent) for parent in parents))

    # Lineage

    def _of_context(self, request: Any) -> Any:
        self._one("contexts", request.context)
        return self._subgraph(self._members.get(request.context, set()))

    def _of_execution(self, request: Any) -> Any:
        self._one("executions", request.execution)
        beside = {e.artifact for e in self.events if e.execution == request.execution}
        return self._subgraph({request.execution, *beside})

    def _of_artifact(self, request: Any) -> Any:
        self._one("artifacts", request.artifact)
        # Unset and 0 are the same on the wire of proto3; the service reads 0 as unset.
        if request.max_hops < 0:
            server.refuse("INVALID_ARGUMENT", "max_hops must not be negative")
        reached, hops = {request.artifact}, 0
        while not request.max_hops or hops < request.max_hops:
            edges = [{e.artifact, e.execution} for e in self.events]
            more = set().union(*(edge for edge in edges if edge & reached)) - reached
            if not more:
                break
            reached, hops = reached | more, hops + 1
        return self._subgraph(reached)

    def _subgraph(self, names: set[str]) -> Any:
        artifacts = [a for n, a in self.resources["artifacts"].items() if n in names]
        executions = [e for n, e in self.resources["executions"].items() if n in names]
        events = [e for e in self.events if {e.artifact, e.execution} <= names]
        if max(len(artifacts), len(executions), len(events)) > _MOST:
            server.refuse("FAILED_PRECONDITION", f"more than {_MOST} would be returned")
        return lineage_subgraph.LineageSubgraph(
            artifacts=artifacts, executions=executions, events=events
        )

    def _at(self, number: int) -> datetime.datetime:
        return _NOW + datetime.timedelta(seconds=number)


def _require_id(own_id: str) -> None:
    if not re.fullmatch(_ID, own_id):
        server.refuse(
            "INVALID_ARGUMENT", f"the id '{own_id}' must be 4-128 of [a-z0-9-]"
        )
