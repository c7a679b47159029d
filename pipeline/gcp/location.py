"""The project and region of a configuration; no task imports it."""

from __future__ import annotations

from pipeline.config.config import Config
from pipeline.config.vertex import VertexConfig
from pipeline.errors import ConfigError
from pipeline.gcp import clients


def vertex_of(config: Config) -> VertexConfig:
    """The configuration's vertex section.

    Raises:
      ConfigError: there is none.
    """
    if config.vertex is None:
        raise ConfigError("vertex: project, region and image are required here")
    return config.vertex


def of(config: Config) -> str:
    """The resource name of the region: the parent of all that is there."""
    found = vertex_of(config)
    return clients.location(found.project, found.region)
