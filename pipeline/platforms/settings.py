"""What a configuration means, as plain values: a task gets those and no more."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pipeline.config.config import Config
from pipeline.errors import ConfigError
from pipeline.gcp.endpoints.service import Endpoint, EndpointSettings
from pipeline.gcp.experiments import log
from pipeline.gcp.experiments.contexts import Place as ExperimentPlace
from pipeline.gcp.experiments.contexts import Value
from pipeline.gcp.registry import Place
from pipeline.platforms.registry import RegistrySettings
from pipeline.registry.local import LocalPlace
from pipeline.registry.versions import Registry


def registry(config: Config, platform: str) -> RegistrySettings:
    """The registry of the platform, if it has one.

    On Vertex that is `vertex.model`; without it a folder in a bucket has no registry,
    because no rename in a bucket is atomic.
    """
    vertex = config.vertex
    if platform == "vertex" and vertex and vertex.model:
        place = Place(
            project=vertex.project,
            region=vertex.region,
            model=vertex.model.name or config.pipeline_name,
            image=vertex.model.serving_image,
            service_account=vertex.service_account or "",
            encryption_key=vertex.encryption_key or "",
        )
        return RegistrySettings(vertex=place)
    folder = config.serving_path.removeprefix("file://")  # of a rehearsal
    if "://" in folder:
        return RegistrySettings()
    seen_as = config.push.seen_as or ""
    local = LocalPlace(folder, config.pipeline_name, seen_as)
    return RegistrySettings(local=local)


def registry_of(config: Config, platform: str) -> Registry:
    """The registry of a configuration, for people.

    Raises:
      ConfigError: it has none.
    """
    if platform == "vertex" and not (config.vertex and config.vertex.model):
        raise ConfigError(
            "vertex.model is not set, so no model is registered. Give it the image "
            "that serves: --set vertex.model.serving_image=IMAGE"
        )
    found = registry(config, platform).opened()
    if found is None:
        raise ConfigError(
            f"push.path: {config.serving_path} is a bucket, and a local registry needs "
            "a folder. On Vertex: python vertex_runner.py model, with vertex.model"
        )
    return found


def endpoint(config: Config) -> Mapping[str, object] | None:
    """The endpoint that a run deploys to, as plain values; None if it does not."""
    vertex = config.vertex
    if vertex is None or not (vertex.endpoint and vertex.endpoint.deploy_candidate):
        return None
    found = endpoint_of(config)
    return {
        "place": dataclasses.asdict(found.place),
        "endpoint": dataclasses.asdict(found.settings),
        "labels": dict(found.labels),
    }


def endpoint_of(config: Config) -> Endpoint:
    """The configuration's endpoint.

    Raises:
      ConfigError: it has none, or no registered model.
    """
    registry_of(config, "vertex")
    if config.vertex is None or config.vertex.endpoint is None:
        raise ConfigError(
            "vertex.endpoint is not set; it says where versions answer: "
            "--set vertex.endpoint.name=NAME"
        )
    place = registry(config, "vertex").vertex
    assert place, "registry_of requires vertex.model"
    wanted = config.vertex.endpoint.model_dump(exclude={"deploy_candidate"})
    return Endpoint(place, EndpointSettings(**wanted), config.vertex.labels)


def experiment(config: Config) -> str:
    """The place as text, for a task's parameters; '' if there is no experiment."""
    place = experiment_place(config)
    return json.dumps(dataclasses.asdict(place)) if place else ""


def experiment_place(config: Config) -> ExperimentPlace | None:
    """The configuration's experiment; None if it has none."""
    vertex = config.vertex
    if vertex is None or vertex.experiment is None:
        return None
    return ExperimentPlace(
        project=vertex.project,
        region=vertex.region,
        experiment=vertex.experiment,
        tensorboard=vertex.tensorboard or "",
    )


def experiment_params(config: Config, given: Mapping[str, Any]) -> dict[str, Value]:
    """What a run is compared by, when its job is submitted.

    Args:
      config: what it runs with.
      given: runtime parameters of the submission.
    """
    return {
        **log.flat("training", config.training.model_dump(mode="json")),
        **log.flat("evaluation", config.evaluation.model_dump(mode="json")),
        **log.flat("parameter", given),
    }
