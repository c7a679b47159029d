"""Where a task's artifacts go, and what it says of them when it is done."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Artifact = dict[str, Any]
Artifacts = dict[str, list[Artifact]]

FILE = "executor_output.json"
"""In the task's folder: what its executor says of its artifacts."""

_VALUES = ("tfx.String", "tfx.Integer", "tfx.Float", "tfx.JsonValue")


def places(component: Mapping[str, Any], folder: Path) -> Artifacts:
    """Where they go, each with a name of its own; the folders are made.

    Args:
      component: as the job declares it.
      folder: of this attempt of the task.
    """
    declared = component.get("outputDefinitions", {}).get("artifacts", {})
    return {
        key: [_place(definition, folder / key)] for key, definition in declared.items()
    }


def described(made: Artifacts, folder: Path) -> Artifacts:
    """The same with the metadata that the executor gave them."""
    written = _written(folder / FILE)
    for key, artifacts in made.items():
        for artifact, news in zip(artifacts, written.get(key, []), strict=False):
            artifact["metadata"] |= news.get("metadata", {})
    return made


def listed(artifacts: Artifacts) -> dict[str, Any]:
    """As an invocation has them; without keys that nothing was found for."""
    return {key: {"artifacts": found} for key, found in artifacts.items() if found}


def _place(definition: Mapping[str, Any], uri: Path) -> Artifact:
    type_ = _title(definition["artifactType"])
    # A value is a file; its folder has to be there.
    folder = uri.parent if type_ in _VALUES else uri
    folder.mkdir(parents=True, exist_ok=True)
    number = hashlib.sha256(str(uri).encode()).hexdigest()[:16]
    return {
        "name": f"projects/1/locations/local/metadataStores/default/artifacts/{number}",
        "type": {"schemaTitle": type_},
        "uri": str(uri),
        "metadata": dict(definition.get("metadata", {})),
    }


def _title(artifact_type: Mapping[str, str]) -> str:
    if "schemaTitle" in artifact_type:
        return artifact_type["schemaTitle"]
    found = re.search(r"^title:\s*(\S+)", artifact_type["instanceSchema"], re.MULTILINE)
    assert found, artifact_type
    return found[1]


def _written(file: Path) -> dict[str, list[Artifact]]:
    if not file.is_file():
        return {}
    found = json.loads(file.read_text(encoding="utf-8")).get("artifacts", {})
    return {key: value.get("artifacts", []) for key, value in found.items()}
