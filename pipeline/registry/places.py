"""Which registry a configuration means; as plain values, so that a task gets it too."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Registry
from pipeline.registry.vertex import Place, VertexRegistry


def settings(config: Config, platform: str) -> dict[str, Any]:
    """The registry of the platform; empty when there is none.

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
        return {"vertex": dataclasses.asdict(place)}
    if "://" in config.serving_path:
        return {}
    return {
        "local": {
            "folder": config.serving_path,
            "name": config.pipeline_name,
            "seen_as": config.push.seen_as or "",
        }
    }


def at(found: Mapping[str, Any]) -> Registry | None:
    """The registry that the settings mean; None when there is none."""
    if "vertex" in found:
        return VertexRegistry(Place(**found["vertex"]), found.get("explanation"))
    if "local" in found:
        return LocalRegistry(**found["local"])
    return None


def of(config: Config, platform: str) -> Registry:
    """The registry of a configuration, for people.

    Raises:
      ConfigError: it has none.
    """
    if platform == "vertex" and not (config.vertex and config.vertex.model):
        raise ConfigError(
            "vertex.model is not set, so no model is registered. Give it the image "
            "that serves: --set vertex.model.serving_image=IMAGE"
        )
    registry = at(settings(config, platform))
    if registry is None:
        raise ConfigError(
            f"push.path: {config.serving_path} is a bucket, and a local registry needs "
            "a folder. On Vertex: python vertex_runner.py model, with vertex.model"
        )
    return registry
