"""What we add to and ask of MLMD beyond what TFX does."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from typing import Any

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import standard_artifacts

from pipeline.config import Config

OPEN = (mlmd.Execution.NEW, mlmd.Execution.RUNNING)


def connect(config: Config) -> metadata_store.MetadataStore:
    """The store of this output root."""
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = config.metadata_path
    return metadata_store.MetadataStore(connection)


class Record:
    """One run in the store."""

    def __init__(self, config: Config, run_id: str) -> None:
        self.store = connect(config)
        self._pipeline = config.pipeline_name
        self._run_id = run_id

    def execution(self, execution_id: int) -> mlmd.Execution:
        """That execution."""
        return self.store.get_executions_by_id([execution_id])[0]

    def executions(self) -> list[mlmd.Execution]:
        """All executions of this run."""
        context = self.store.get_context_by_type_and_name("pipeline_run", self._run_id)
        return self.store.get_executions_by_context(context.id) if context else []

    def outputs(self, execution_id: int) -> dict[str, list[mlmd.Artifact]]:
        """Output key -> artifacts."""
        events = [
            event
            for event in self.store.get_events_by_execution_ids([execution_id])
            if event.type in (mlmd.Event.OUTPUT, mlmd.Event.INTERNAL_OUTPUT)
        ]
        ids = [event.artifact_id for event in events]
        artifacts = {a.id: a for a in self.store.get_artifacts_by_id(ids)}
        found: dict[str, list[mlmd.Artifact]] = {}
        for event in events:
            key = event.path.steps[0].key
            found.setdefault(key, []).append(artifacts[event.artifact_id])
        return found

    def saved_seconds(self, execution_id: int) -> float:
        """How long the execution took whose outputs a cached one took over."""
        ids = [a.id for group in self.outputs(execution_id).values() for a in group]
        makers = {
            event.execution_id
            for event in self.store.get_events_by_artifact_ids(ids)
            if event.type == mlmd.Event.OUTPUT
        } - {execution_id}
        executions = self.store.get_executions_by_id(sorted(makers))
        complete = [
            e for e in executions if e.last_known_state == mlmd.Execution.COMPLETE
        ]
        if not complete:
            return 0.0
        first = min(complete, key=lambda e: e.create_time_since_epoch)
        took = first.last_update_time_since_epoch - first.create_time_since_epoch
        return took / 1000

    def describe_run(self, facts: Mapping[str, str | int | float]) -> None:
        """Sets properties of the run's context."""
        context = self.store.get_context_by_type_and_name("pipeline_run", self._run_id)
        if context is None:
            return
        for name, value in facts.items():
            _set(context.custom_properties[name], value)
        self.store.put_contexts([context])

    def describe_failure(self, execution_id: int, error: str) -> None:
        """TFX leaves a failed execution without a reason; gives it one."""
        execution = self.execution(execution_id)
        _set(execution.custom_properties["error_message"], error)
        self.store.put_executions([execution])

    def keep_evidence(
        self, execution_id: int, folder: str, anomalies: Mapping[str, bytes]
    ) -> None:
        """Records refused data's anomalies, which TFX deletes with the failed node."""
        for split, content in anomalies.items():
            path = os.path.join(folder, f"Split-{split}")
            os.makedirs(path, exist_ok=True)
            with open(os.path.join(path, "SchemaDiff.pb"), "wb") as file:
                file.write(content)
        # In a store that never saw an accepted data set the type is not there yet.
        type_id = self.store.put_artifact_type(
            standard_artifacts.ExampleAnomalies().artifact_type, can_omit_fields=True
        )
        artifact = mlmd.Artifact(type_id=type_id, uri=folder, state=mlmd.Artifact.LIVE)
        artifact.properties["split_names"].string_value = json.dumps(list(anomalies))
        event = mlmd.Event(type=mlmd.Event.OUTPUT)
        event.path.steps.add().key = "anomalies"
        event.path.steps.add().index = 0
        self.store.put_execution(self.execution(execution_id), [(artifact, event)], [])

    def close_open(self, state: Any) -> list[int]:
        """Ends executions that nobody works on any more, and their half outputs.

        Called at the start, when the lock says that no run is alive, and after an
        interrupt: TFX publishes nothing for either.
        """
        context = self.store.get_context_by_type_and_name("pipeline", self._pipeline)
        if context is None:
            return []
        executions = self.store.get_executions_by_context(context.id)
        stale = [e for e in executions if e.last_known_state in OPEN]
        for execution in stale:
            execution.last_known_state = state
        if stale:
            self.store.put_executions(stale)
        return [execution.id for execution in stale]

    def forget_missing(self) -> list[str]:
        """Marks artifacts whose payload is gone DELETED, so that no cache offers them.

        TFX's cache only looks whether the folder exists. Gone is also an emptied
        folder, and a pushed model whose serving version was removed.
        """
        context = self.store.get_context_by_type_and_name("pipeline", self._pipeline)
        if context is None:
            return []
        artifacts = self.store.get_artifacts_by_context(context.id)
        live = [a for a in artifacts if a.state == mlmd.Artifact.LIVE]
        gone = [artifact for artifact in live if not _has_payload(artifact)]
        for artifact in gone:
            artifact.state = mlmd.Artifact.DELETED
        if gone:
            self.store.put_artifacts(gone)
        return [artifact.uri for artifact in gone]


def remove_partial_outputs(artifacts_path: str, execution_ids: list[int]) -> None:
    """Deletes what unfinished executions left: NODE/OUTPUT/EXECUTION_ID folders."""
    for execution_id in execution_ids:
        for node in _folders(artifacts_path):
            for output in _folders(node):
                shutil.rmtree(os.path.join(output, str(execution_id)), True)


def _folders(path: str) -> list[str]:
    if not os.path.isdir(path):
        return []
    return [entry.path for entry in os.scandir(path) if entry.is_dir()]


def _has_payload(artifact: mlmd.Artifact) -> bool:
    if "://" in artifact.uri or not artifact.uri:
        return True
    destination = artifact.custom_properties["pushed_destination"].string_value
    if destination and not os.path.isdir(destination):
        return False
    if os.path.isdir(artifact.uri):
        withheld = artifact.custom_properties["pushed"].WhichOneof("value")
        return bool(os.listdir(artifact.uri)) or bool(withheld and not destination)
    return os.path.exists(artifact.uri)


def _set(target: mlmd.Value, value: str | int | float) -> None:
    if isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    else:
        target.string_value = value
