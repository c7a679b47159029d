"""A serving folder that tests push to, as the Pusher does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipeline.registry import manifest
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Origin, Push, Version


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
        (version / "saved_model.pb").write_bytes(_model(number, graph))
        note = _manifest(number, run_id, graph)
        (version / manifest.FILE).write_bytes(note)
        return manifest.digest(note)

    def push(
        self, number: str, promote: bool = True, run_id: str = "", graph: str = ""
    ) -> Version:
        """Writes it, and registers it; what is there already is not written."""
        return self.given(number, promote, run_id, graph).version

    def given(
        self, number: str, promote: bool = True, run_id: str = "", graph: str = ""
    ) -> Push:
        """The same, and what became of it."""

        def copy() -> str:
            self.write(number, run_id, graph)
            return str(self.folder / number)

        return self.registry.push(
            copy,
            Origin(run_id=run_id),
            manifest.digest(_manifest(number, run_id, graph)),
            of(number, graph),
            promote,
        )


def _model(number: str, graph: str) -> bytes:
    return f"graph {graph or number}".encode()


def _manifest(number: str, run_id: str, graph: str) -> bytes:
    model = _model(number, graph)
    files = {"saved_model.pb": (len(model), manifest.digest(model))}
    return manifest.compose(Origin(run_id=run_id), files, of(number, graph))


def of(number: str, graph: str = "") -> str:
    """Stands for the digest of a model."""
    return manifest.digest(f"model {graph or number}".encode())
