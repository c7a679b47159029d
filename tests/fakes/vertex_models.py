"""Vertex AI's ModelService: models, their versions, aliases and evaluations."""

from __future__ import annotations

import copy
import datetime
import itertools
import re
import types
from collections.abc import Mapping
from typing import Any

from google.cloud.aiplatform_v1.types import model as model_types
from google.cloud.aiplatform_v1.types import model_evaluation, model_service
from google.longrunning import operations_pb2
from google.protobuf import json_format

from tests.fakes import labels, listing, server

Model = model_types.Model

_ID = r"[a-z_][a-z0-9_-]{0,62}"
_ALIAS = r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9-]"
_SCHEMAS = "gs://google-cloud-aiplatform/schema/modelevaluation/"
_CLASSIFICATION = _SCHEMAS + "classification_metrics_1.0.0.yaml"
_METRICS = {
    _CLASSIFICATION: {
        "auPrc",
        "auRoc",
        "logLoss",
        "confidenceMetrics",
        "confusionMatrix",
    },
    _SCHEMAS + "regression_metrics_1.0.0.yaml": {
        "rootMeanSquaredError",
        "meanAbsoluteError",
        "meanAbsolutePercentageError",
        "rSquared",
        "rootMeanSquaredLogError",
    },
}
_NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)


class VertexModels:
    """The models of one project and region.

    Attributes:
      versions: model's resource name -> version id -> Model.
      evaluations: resource name with @version -> what was imported for it.
    """

    name = "google.cloud.aiplatform.v1.ModelService"

    def __init__(self, operations: server.Operations) -> None:
        self.versions: dict[str, dict[str, Any]] = {}
        self.evaluations: dict[str, list[Any]] = {}
        self._operations = operations
        self._clock = itertools.count(1)

    def methods(self) -> Mapping[str, server.Method]:
        """What of the service is here."""
        of, operation = model_service, operations_pb2.Operation
        evaluation = model_evaluation.ModelEvaluation
        method = server.Method
        return types.MappingProxyType(
            {
                "UploadModel": method(of.UploadModelRequest, operation, self._upload),
                "GetModel": method(of.GetModelRequest, Model, self._get),
                "ListModels": method(
                    of.ListModelsRequest, of.ListModelsResponse, self._list
                ),
                "ListModelVersions": method(
                    of.ListModelVersionsRequest,
                    of.ListModelVersionsResponse,
                    self._list_versions,
                ),
                "MergeVersionAliases": method(
                    of.MergeVersionAliasesRequest, Model, self._merge
                ),
                "DeleteModelVersion": method(
                    of.DeleteModelVersionRequest, operation, self._delete_version
                ),
                "DeleteModel": method(of.DeleteModelRequest, operation, self._delete),
                "ImportModelEvaluation": method(
                    of.ImportModelEvaluationRequest, evaluation, self._import
                ),
                "ListModelEvaluations": method(
                    of.ListModelEvaluationsRequest,
                    of.ListModelEvaluationsResponse,
                    self._list_evaluations,
                ),
            }
        )

    def aliases(self, model_id: str) -> dict[str, str]:
        """Alias -> version id, of the model with that id."""
        versions = self.versions[f"{server.PARENT}/models/{model_id}"]
        return {
            alias: version
            for version, model in versions.items()
            for alias in model.version_aliases
        }

    def find(self, name: str) -> tuple[str, str]:
        """Name, name@version or name@alias -> name, version id; refuses another."""
        model = self._one(name)
        return model.name, model.version_id

    def add(self, model_id: str, aliases: Mapping[str, list[str]]) -> None:
        """A model that is there already, with the aliases of each version."""
        name = f"{server.PARENT}/models/{model_id}"
        self.versions[name] = {
            version: Model(
                name=name,
                version_id=version,
                version_aliases=held,
                version_create_time=self._tick(),
            )
            for version, held in aliases.items()
        }

    def _upload(self, request: Any) -> Any:
        if request.parent != server.PARENT:
            server.refuse(
                "PERMISSION_DENIED",
                "Permission 'aiplatform.models.upload' denied on resource "
                f"'{request.parent}' (or it may not exist)",
            )
        _require_model(request.model)
        name = self._place(request)
        versions = self.versions.get(name, {})
        version = str(max(map(int, versions), default=0) + 1)
        model = copy.deepcopy(request.model)
        model.name, model.version_id = name, version
        model.create_time = model.update_time = self._tick()
        model.version_create_time = model.version_update_time = model.create_time
        aliases = [*model.version_aliases, *([] if versions else ["default"])]
        model.version_aliases = []

        def there() -> None:
            self.versions.setdefault(name, {})[version] = model
            self._take(name, version, aliases)

        response = model_service.UploadModelResponse(
            model=name, model_version_id=version
        )
        return self._operations.started(
            model_service.UploadModelResponse.pb(response),
            there,
            model_service.UploadModelOperationMetadata.pb(
                model_service.UploadModelOperationMetadata()
            ),
        )

    def _place(self, request: Any) -> str:
        """The name of the model that the version goes to."""
        if request.parent_model:
            if request.model_id:
                server.refuse(
                    "INVALID_ARGUMENT", "model_id and parent_model exclude each other"
                )
            self._of(request.parent_model)
            return request.parent_model
        model_id = request.model_id or str(1000 + next(self._clock))
        if request.model_id and not re.fullmatch(_ID, model_id):
            server.refuse(
                "INVALID_ARGUMENT",
                f"model_id '{model_id}': up to 63 characters of [a-z0-9_-], the first "
                "one not a number or hyphen",
            )
        name = f"{server.PARENT}/models/{model_id}"
        if name in self.versions:
            server.refuse("ALREADY_EXISTS", f"The Model {name} already exists")
        return name

    def _get(self, request: Any) -> Any:
        return self._one(request.name)

    def _list(self, request: Any) -> Any:
        """Each model by its default version, as the service has it."""
        found = [self._one(f"{name}@default") for name in sorted(self.versions)]
        models, token = listing.page(request, found, _field)
        return model_service.ListModelsResponse(models=models, next_page_token=token)

    def _list_versions(self, request: Any) -> Any:
        found = list(self._of(request.name).values())
        models, token = listing.page(request, found, _field)
        return model_service.ListModelVersionsResponse(
            models=models, next_page_token=token
        )

    def _merge(self, request: Any) -> Any:
        name, _, version = request.name.partition("@")
        if not version:
            server.refuse("INVALID_ARGUMENT", "name: a version must be given")
        if not request.version_aliases:
            server.refuse("INVALID_ARGUMENT", "version_aliases is required")
        model = self._one(request.name)
        for alias in request.version_aliases:
            _require_alias(alias.removeprefix("-"))
        removed = {a[1:] for a in request.version_aliases if a.startswith("-")}
        if "default" in removed:
            server.refuse(
                "INVALID_ARGUMENT",
                "The default alias cannot be removed; assign it to another version",
            )
        unknown = removed - set(model.version_aliases)
        if unknown:
            server.refuse(
                "INVALID_ARGUMENT",
                f"version {model.version_id} has no alias {', '.join(sorted(unknown))}",
            )
        added = [a for a in request.version_aliases if not a.startswith("-")]
        model.version_aliases = [a for a in model.version_aliases if a not in removed]
        self._take(name, model.version_id, added)
        return model

    def _take(self, name: str, version: str, aliases: list[str]) -> None:
        """An alias is of one version: it leaves the others."""
        for number, model in self.versions[name].items():
            kept = [a for a in model.version_aliases if a not in aliases]
            model.version_aliases = [*kept, *aliases] if number == version else kept
        self.versions[name][version].version_update_time = self._tick()

    def _delete_version(self, request: Any) -> Any:
        name, _, version = request.name.partition("@")
        if not version:
            server.refuse("INVALID_ARGUMENT", "name: a version must be given")
        model = self._one(request.name)
        if "default" in model.version_aliases:
            server.refuse(
                "FAILED_PRECONDITION",
                f"The default version {model.version_id} of {name} cannot be deleted",
            )
        if model.deployed_models:
            server.refuse(
                "FAILED_PRECONDITION", f"{request.name} is deployed on an endpoint"
            )
        kept = self.versions[name]
        return self._operations.started(
            server.EMPTY(), lambda: kept.pop(model.version_id, None)
        )

    def _delete(self, request: Any) -> Any:
        self._of(request.name)
        if any(m.deployed_models for m in self.versions[request.name].values()):
            server.refuse(
                "FAILED_PRECONDITION", f"{request.name} is deployed on an endpoint"
            )
        return self._operations.started(
            server.EMPTY(), lambda: self.versions.pop(request.name, None)
        )

    def _import(self, request: Any) -> Any:
        model = self._one(request.parent)
        evaluation = copy.deepcopy(request.model_evaluation)
        _require_metrics(evaluation)
        kept = self.evaluations.setdefault(f"{model.name}@{model.version_id}", [])
        evaluation.name = f"{model.name}/evaluations/{len(kept) + 1}"
        evaluation.create_time = self._tick()
        kept.append(evaluation)
        return evaluation

    def _list_evaluations(self, request: Any) -> Any:
        model = self._one(request.parent)
        found = self.evaluations.get(f"{model.name}@{model.version_id}", [])
        kept, token = listing.page(request, found, _field)
        return model_service.ListModelEvaluationsResponse(
            model_evaluations=kept, next_page_token=token
        )

    def _of(self, name: str) -> dict[str, Any]:
        if name not in self.versions:
            server.refuse("NOT_FOUND", f"The Model {name} does not exist")
        return self.versions[name]

    def _one(self, name: str) -> Any:
        """By name, name@version or name@alias."""
        name, _, wanted = name.partition("@")
        found = [
            model
            for version, model in self._of(name).items()
            if (wanted or "default") in (version, *model.version_aliases)
        ]
        if not found:
            server.refuse("NOT_FOUND", f"The Model {name} has no version {wanted}")
        return found[0]

    def _tick(self) -> datetime.datetime:
        """Later than every time before."""
        return _NOW + datetime.timedelta(seconds=next(self._clock))


def _field(resource: Any, path: str) -> Any:
    if path.startswith("labels."):
        return dict(resource.labels).get(path.removeprefix("labels."))
    if path == "labels":
        return dict(resource.labels)
    if path in ("name", "display_name", "create_time", "update_time"):
        return getattr(resource, path)
    if path == "model":
        return resource.name.rpartition("/")[2]
    raise KeyError(path)


def _require_model(model: Any) -> None:
    if not 0 < len(model.display_name) <= 128:
        server.refuse("INVALID_ARGUMENT", "model.display_name: 1 to 128 characters")
    if not model.container_spec.image_uri:
        server.refuse("INVALID_ARGUMENT", "model.container_spec.image_uri is required")
    if not re.match(r"gs://[a-z0-9][a-z0-9._-]+/", model.artifact_uri):
        server.refuse(
            "INVALID_ARGUMENT",
            f"model.artifact_uri: '{model.artifact_uri}' is not a Cloud Storage path",
        )
    for output in ("name", "version_id"):
        if getattr(model, output):
            server.refuse("INVALID_ARGUMENT", f"model.{output} is output only")
    key = model.encryption_spec.kms_key_name
    if key and not re.fullmatch(
        r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+", key
    ):
        server.refuse("INVALID_ARGUMENT", f"kms_key_name: '{key}' is not a key")
    labels.require_labels(model.labels)
    for alias in model.version_aliases:
        _require_alias(alias)


def _require_alias(alias: str) -> None:
    if not re.fullmatch(_ALIAS, alias):
        server.refuse(
            "INVALID_ARGUMENT", f"version_aliases: '{alias}' must match {_ALIAS}"
        )


def _require_metrics(evaluation: Any) -> None:
    known = _METRICS.get(evaluation.metrics_schema_uri)
    if known is None:
        server.refuse(
            "INVALID_ARGUMENT",
            f"metrics_schema_uri: no schema '{evaluation.metrics_schema_uri}'",
        )
    raw = model_evaluation.ModelEvaluation.pb(evaluation).metrics
    values = json_format.MessageToDict(raw)
    if not isinstance(values, dict) or not set(values) <= (known or set()):
        server.refuse(
            "INVALID_ARGUMENT", "metrics: does not match the schema of its metrics"
        )
