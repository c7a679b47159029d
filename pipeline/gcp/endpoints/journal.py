"""Who moved an endpoint's traffic and why: executions in Vertex ML Metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.gcp import clients, metadata_store
from pipeline.gcp.endpoints.traffic import NEW, Change, State
from pipeline.gcp.registry import Place

REQUEST_S = 60
_SCHEMA, _SCHEMA_VERSION = "system.Run", "0.0.1"
_OF = "millrace_endpoint"
_TEXTS = ("action", "version", "before", "after", "actor", "reason")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One change of the traffic, as it was written down."""

    action: str
    version: str
    before: str
    """The traffic before it, such as '1: 100 %'."""

    after: str
    actor: str
    reason: str
    state: str
    """COMPLETE, FAILED, or RUNNING: its process died, or is at work now."""

    at: float
    """Seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Journal:
    """The changes of one endpoint."""

    place: Place
    endpoint: str
    """The change's id."""

    def begin(
        self, action: str, change: Change, state: State, actor: str, reason: str
    ) -> str:
        """Writes the change down before it is made; returns the record's name."""
        from google.api_core import exceptions
        from google.cloud import aiplatform_v1 as api

        texts = {
            "action": action,
            "version": change.version,
            "before": shares({d.version: d.percent for d in state.deployed}),
            "after": shares(_by_version(change, state)),
            "actor": actor,
            "reason": reason,
        }
        execution = api.Execution(
            display_name=f"{action} {change.version} on {self.endpoint}",
            description=reason[:1000],
            schema_title=_SCHEMA,
            schema_version=_SCHEMA_VERSION,
            state="RUNNING",
            metadata={_OF: self.endpoint, **texts},
        )
        with clients.asking("write the change down in Vertex ML Metadata"):
            try:
                made = self._create(execution)
            except exceptions.NotFound:
                metadata_store.make(
                    self._service(),
                    self.place.parent,
                    self.place.encryption_key,
                    lambda: REQUEST_S,
                )
                made = self._create(execution)
        return made.name

    def end(self, name: str, state: str) -> None:
        """Writes down that it was made (COMPLETE), or was not (FAILED)."""
        from google.cloud import aiplatform_v1 as api

        with clients.asking("close the change in Vertex ML Metadata"):
            self._service().update_execution(
                execution=api.Execution(name=name, state=state),
                update_mask={"paths": ["state"]},
                timeout=REQUEST_S,
            )

    def entries(self) -> list[Entry]:
        """All of them, newest first."""
        from google.api_core import exceptions

        request = {
            "parent": self._store,
            "filter": f'schema_title="{_SCHEMA}" AND '
            f'metadata.{_OF}.string_value="{self.endpoint}"',
        }
        with clients.asking("read the changes in Vertex ML Metadata"):
            try:
                found = list(
                    self._service().list_executions(request, timeout=REQUEST_S)
                )
            except exceptions.NotFound:
                return []
        return sorted(map(_entry, found), key=lambda entry: entry.at, reverse=True)

    def _create(self, execution: Any) -> Any:
        return self._service().create_execution(
            parent=self._store, execution=execution, timeout=REQUEST_S
        )

    @property
    def _store(self) -> str:
        return metadata_store.name(self.place.parent)

    def _service(self) -> Any:
        from google.cloud.aiplatform_v1 import MetadataServiceClient

        return clients.vertex(MetadataServiceClient, self.place.region)


def shares(split: Mapping[str, int]) -> str:
    """Version -> percent, in words."""
    return ", ".join(f"{version}: {percent} %" for version, percent in split.items())


def _by_version(change: Change, state: State) -> dict[str, int]:
    names = {NEW: change.version} | {d.id: d.version for d in state.deployed}
    return {names[id_]: percent for id_, percent in change.split.items()}


def _entry(execution: Any) -> Entry:
    values = dict(execution.metadata)
    return Entry(
        **{name: str(values.get(name, "")) for name in _TEXTS},
        state=execution.state.name,
        at=execution.create_time.timestamp(),
    )
