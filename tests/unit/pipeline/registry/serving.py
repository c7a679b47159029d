"""A serving folder that tests push to, as the Pusher does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipeline.registry import manifest
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Origin, Version


@dataclasses.dataclass
class Serving:
    """A folder that models are pushed to, as the Pusher does."""

    folder: Path
    name: str = "taxi"

    @property
    def registry(self) -> LocalRegistry:
        return LocalRegistry(str(self.folder), self.name)

    def write(self, number: str, run_id: str = "", graph: str = "") -> str:
        """A complete version; the digest of its manifest."""
        version = self.folder / number
        (version / "assets.extra").mkdir(parents=True)
        model = f"graph {graph or number}".encode()
        (version / "saved_model.pb").write_bytes(model)
        files = {"saved_model.pb": (len(model), manifest.digest(model))}
        content = manifest.compose(Origin(run_id=run_id), files)
        (version / manifest.FILE).write_bytes(content)
        return manifest.digest(content)

    def push(
        self, number: str, promote: bool = True, run_id: str = "", graph: str = ""
    ) -> Version:
        """Writes it, and registers it."""
        digest = self.write(number, run_id, graph)
        return self.registry.push(
            lambda: str(self.folder / number), Origin(run_id=run_id), digest, promote
        )
