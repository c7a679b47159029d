"""Where a task's artifacts go, and what it says of them when it is done."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.vertex.job.job import Component, title

FILE = "executor_output.json"
"""In the task's folder: what its executor says of its artifacts."""

_VALUES = ("tfx.String", "tfx.Integer", "tfx.Float", "tfx.JsonValue")


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder or file, as tasks are given it and as this process reaches it."""

    uri: str

    @property
    def path(self) -> Path:
        """Where this machine has it."""
        return files.folder(self.uri)

    @property
    def is_folder(self) -> bool:
        """Whether it is of this machine, and not in a bucket that is mounted here."""
        return not self.uri.startswith("gs://")

    def __truediv__(self, name: str) -> Place:
        return Place(f"{self.uri}/{name}")


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What a task puts out, as Vertex ML Metadata has it."""

    name: str
    type: str
    """The title of its schema."""

    uri: str
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> Mapping[str, object]:
        """As an invocation has it."""
        return {**vars(self), "type": {"schemaTitle": self.type}}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Artifact:
        """The artifact of what `to_dict` gave, whatever else stands there."""
        return cls(
            plain["name"], plain["type"]["schemaTitle"], plain["uri"], plain["metadata"]
        )


Artifacts = dict[str, list[Artifact]]


def places(component: Component, place: Place) -> Artifacts:
    """Where they go, each with a name of its own; the folders are made.

    Args:
      component: as the job declares it.
      place: of this attempt of the task.
    """
    return {
        key: [_artifact(title(of), place / key, of.get("metadata", {}))]
        for key, of in component.outputs.items()
    }


def described(made: Artifacts, folder: Path) -> Artifacts:
    """The artifacts with the metadata that the executor gave them."""
    for key, written in _written(folder / FILE).items():
        for artifact, news in zip(made.get(key, []), written, strict=False):
            artifact.metadata.update(news)
    return made


def listed(artifacts: Artifacts) -> Mapping[str, object]:
    """As an invocation has them; without keys that nothing was found for."""
    return {
        key: {"artifacts": [each.to_dict() for each in found]}
        for key, found in artifacts.items()
        if found
    }


def _artifact(type_: str, place: Place, metadata: Mapping[str, object]) -> Artifact:
    if place.is_folder:
        # A value is a file; its folder has to be there. A bucket has no folders.
        folder = place.path.parent if type_ in _VALUES else place.path
        folder.mkdir(parents=True, exist_ok=True)
    number = hashlib.sha256(place.uri.encode()).hexdigest()[:16]
    name = f"projects/1/locations/local/metadataStores/default/artifacts/{number}"
    return Artifact(name, type_, place.uri, dict(metadata))


def _written(file: Path) -> dict[str, list[Mapping[str, object]]]:
    """Key -> the metadata of each artifact."""
    if not file.is_file():
        return {}
    found = json.loads(file.read_text(encoding="utf-8")).get("artifacts", {})
    return {
        key: [each.get("metadata", {}) for each in value.get("artifacts", [])]
        for key, value in found.items()
    }
