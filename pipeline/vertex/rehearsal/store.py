"""The artifacts of all rehearsals in a folder, as Vertex ML Metadata has a job's."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.vertex.rehearsal.outputs import Artifact, Artifacts

# What TFX's compiler writes into the queries of its resolvers.
_TERM = re.compile(r'([\w.]+)\s*=\s*"?([^"]*)"?')
_PLACEHOLDER = re.compile(
    r"\{\{\$\.inputs\.artifacts\['(\w+)'\]\.metadata\['(\w+)'\]\}\}"
)


class Store:
    """One file, a line for each artifact."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, run_id: str, task: str, outputs: Artifacts) -> None:
        """Remembers what a task put out."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            for key, artifacts in outputs.items():
                for artifact in artifacts:
                    made = {"run": run_id, "task": task, "key": key}
                    entry = {**made, **artifact.to_dict()}
                    file.write(json.dumps(entry) + "\n")

    def resolved(self, queries: Mapping[str, str], inputs: Artifacts) -> Artifacts:
        """The newest artifact that each query finds, or none.

        Args:
          queries: key -> filter.
          inputs: of the resolver, which a filter may ask for.

        Raises:
          UsageError: one asks for what is not on record here.
        """
        return {
            key: self._found(_filled(query, inputs)) for key, query in queries.items()
        }

    def _found(self, query: str) -> list[Artifact]:
        if "{{$" in query or not self._file.is_file():
            return []  # it asks for an artifact that an earlier query did not find
        terms = [_TERM.fullmatch(term.strip("() ")) for term in query.split(" AND ")]
        lines = self._file.read_text(encoding="utf-8").splitlines()
        for line in reversed(lines):
            artifact = Artifact.from_dict(json.loads(line))
            if all(term and _matches(artifact, term) for term in terms):
                return [artifact]
        return []


def _filled(query: str, inputs: Artifacts) -> str:
    def value(found: re.Match[str]) -> str:
        artifacts = inputs.get(found[1], [])
        return str(artifacts[0].metadata.get(found[2])) if artifacts else found[0]

    return _PLACEHOLDER.sub(value, query)


def _matches(artifact: Artifact, term: re.Match[str]) -> bool:
    field, value = term[1], term[2]
    if field == "schema_title":
        return artifact.type == value
    if field == "state":
        return value == "LIVE"
    if field == "name":
        return artifact.name == value
    if field.startswith("metadata."):
        name = field.split(".")[1]
        seen = artifact.metadata.get(name)
        return seen is not None and (str(seen) == value or _equal(seen, value))
    raise UsageError(f"a resolver asks for '{field}', which a rehearsal cannot answer")


def _equal(seen: Any, value: str) -> bool:
    with contextlib.suppress(ValueError, TypeError):
        return float(seen) == float(value)
    return False
