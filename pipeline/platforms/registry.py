"""The registry that plain settings mean; a task has those, and no configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.gcp.registry import Place, VertexRegistry
from pipeline.registry.local import LocalPlace, LocalRegistry
from pipeline.registry.versions import Registry


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegistrySettings:
    """Which registry, and what the Pusher needs to know of the run beside it."""

    local: LocalPlace | None = None
    vertex: Place | None = None
    explanation: Mapping[str, Any] | None = None
    """Of a registered version's answers, in Vertex's words (gcp/attribution.py)."""

    endpoint: Mapping[str, Any] | None = None
    """The endpoint that the run deploys to (platforms/settings.py)."""

    runs_folder: str = ""
    code: str = ""
    """Which code runs, where no file of the run says it."""

    def opened(self) -> Registry | None:
        """The registry; None when there is none."""
        if self.vertex:
            return VertexRegistry(self.vertex, self.explanation)
        return LocalRegistry(**vars(self.local)) if self.local else None

    def to_dict(self) -> Mapping[str, object]:
        """Plain values for a parameter; what is not set is left out."""
        said = {name: value for name, value in vars(self).items() if value}
        for name in {"local", "vertex"} & said.keys():
            said[name] = dict(vars(said[name]))
        return said

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RegistrySettings:
        """The settings of what `to_dict` gave."""
        said = dict(plain)
        if "local" in said:
            said["local"] = LocalPlace(**said["local"])
        if "vertex" in said:
            said["vertex"] = Place(**said["vertex"])
        return cls(**said)
