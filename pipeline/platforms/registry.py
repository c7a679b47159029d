"""The registry that plain settings mean; a task has those, and no configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.gcp.registry import Place, VertexRegistry
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Registry


def at(found: Mapping[str, Any]) -> Registry | None:
    """The registry that the settings mean; None when there is none."""
    if "vertex" in found:
        return VertexRegistry(Place(**found["vertex"]), found.get("explanation"))
    if "local" in found:
        return LocalRegistry(**found["local"])
    return None
