"""What we add to and ask of MLMD beyond what TFX does."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import types
from collections.abc import Iterator, Mapping

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline import recorded
from pipeline.config.config import Config
from pipeline.errors import BusyError
from pipeline.metadata import (
    connections,
    library,
    ownership,
    payload,
    recent_executions,
    sql,
)
from pipeline.nodes import SCHEMA_VALIDATOR

# TFX is imported when refused data is kept: nothing else needs its types.

OPEN = (mlmd.Execution.NEW, mlmd.Execution.RUNNING)
USABLE = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)

# The rows of MLMD's schema 10, as in metadata/sql.py.
_OPEN_HERE = f"""
select e.id from Execution e join Association a on a.execution_id = e.id
where a.context_id = ? and e.last_known_state in {OPEN} order by e.id
"""
_LIVE_HERE = f"""
select f.id from Artifact f join Attribution a on a.artifact_id = f.id
where a.context_id = ? and f.state = {mlmd.Artifact.LIVE} order by f.id
"""

_RUN = "pipeline_run"
_OUTPUTS = (mlmd.Event.OUTPUT, mlmd.Event.INTERNAL_OUTPUT)


def connect(config: Config) -> metadata_store.MetadataStore:
    """The configured store, to be read and written."""
    return library.opened(config.store)


class Record:
    """One run in the store."""

    def __init__(self, config: Config, run_id: str) -> None:
        self.store = connect(config)
        self._config = config
        self._artifacts_path = config.artifacts_path
        self._pipeline = config.pipeline_name
        self._run_id = run_id
        self.contexts: recent_executions.ContextIds = {}
        """What is known of the run's executions."""

    @property
    def pipeline(self) -> str:
        """The name of the pipeline whose run it is."""
        return self._pipeline

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run_id

    def execution(self, execution_id: int) -> mlmd.Execution:
        """The execution of that id."""
        return self.store.get_executions_by_id([execution_id])[0]

    def executions_of(self, node: str) -> list[mlmd.Execution]:
        """All executions of a node, of every run, newest first."""
        found = self._in_context("node", f"{self._pipeline}.{node}")
        return sorted(found, key=lambda execution: execution.id, reverse=True)

    def run_of(self, execution_id: int) -> str:
        """The run that an execution belongs to."""
        contexts = self.store.get_contexts_by_execution(execution_id)
        return next((c.name for c in contexts if c.type == _RUN), "")

    def outputs_of(self, node: str) -> dict[str, list[mlmd.Artifact]]:
        """What a node put out in this run; nothing if it did not come to that."""
        for execution in self._executions_here(node):
            if execution.last_known_state in USABLE:
                return self.outputs(execution.id)
        return {}

    def outputs(self, execution_id: int) -> dict[str, list[mlmd.Artifact]]:
        """Output key -> artifacts."""
        return self._artifacts(execution_id, _OUTPUTS)

    def inputs(self, execution_id: int) -> dict[str, list[mlmd.Artifact]]:
        """Input key -> artifacts."""
        return self._artifacts(execution_id, (mlmd.Event.INPUT,))

    def saved_seconds(self, execution_id: int | None) -> float:
        """How long the execution took whose outputs a cached one took over."""
        if execution_id is None:
            return 0.0
        ids = [a.id for group in self.outputs(execution_id).values() for a in group]
        makers = {
            event.execution_id
            for event in self.store.get_events_by_artifact_ids(ids)
            if event.type == mlmd.Event.OUTPUT
        }
        complete = [
            execution
            for execution in self.store.get_executions_by_id(sorted(makers))
            if execution.last_known_state == mlmd.Execution.COMPLETE
        ]
        if not complete:
            return 0.0
        first = min(complete, key=lambda execution: execution.id)
        if recorded.ExecutionKey.SECONDS in first.custom_properties:
            return first.custom_properties[recorded.ExecutionKey.SECONDS].double_value
        # Of a run before it was recorded; since then its last update is the run's end.
        took = first.last_update_time_since_epoch - first.create_time_since_epoch
        return took / 1000

    def last_failed(self) -> int | None:
        """The execution that ended this run, if one did."""
        ended = [
            execution.id
            for execution in self._in_context(_RUN, self._run_id)
            if execution.last_known_state
            in (mlmd.Execution.FAILED, mlmd.Execution.CANCELED)
        ]
        return max(ended, default=None)

    def begin_run(self, facts: Mapping[str, str]) -> None:
        """Records the run before its first node, so that a killed one is known.

        TFX makes the same contexts when it launches a node, and finds these.

        Raises:
          BusyError: the store has a run of that name.
        """
        if self.store.get_context_by_type_and_name(_RUN, self._run_id):
            raise BusyError(
                f"another machine began a run {self._run_id} in the same store at the "
                "same time. Start this one again"
            )
        run = self._context(_RUN, self._run_id)
        pipeline = self._context("pipeline", self._pipeline)
        self.store.put_parent_contexts(
            [mlmd.ParentContext(child_id=run, parent_id=pipeline)]
        )
        self.describe_run(facts)

    def describe_work(
        self, execution_id: int, seconds: float, rows: tuple[int, int] | None
    ) -> None:
        """Records how long a node of this run took, and its rows in and out."""
        execution = self.execution(execution_id)
        properties = execution.custom_properties
        properties[recorded.ExecutionKey.SECONDS].double_value = round(seconds, 3)
        if rows is not None:
            properties[recorded.ExecutionKey.ROWS_IN].int_value = rows[0]
            properties[recorded.ExecutionKey.ROWS_OUT].int_value = rows[1]
        self.store.put_executions([execution])

    def describe_run(self, facts: Mapping[str, str]) -> None:
        """Sets properties of the run's context."""
        context = self.store.get_context_by_type_and_name(_RUN, self._run_id)
        if context is None:
            return
        for name, value in facts.items():
            context.custom_properties[name].string_value = value
        self.store.put_contexts([context])

    def parameters_of(self, node: str) -> dict[str, str]:
        """The text parameters with which a node ran in this run; {} if it did not."""
        for execution in self._executions_here(node):
            found = execution.custom_properties.items()
            return {name: value.string_value for name, value in found}
        return {}

    def newest_of(self, node: str) -> mlmd.Execution | None:
        """The newest execution of a node in this run; None if it did not begin."""
        return next(iter(self._executions_here(node)), None)

    def type_of(self, artifact: mlmd.Artifact) -> mlmd.ArtifactType:
        """The artifact's type."""
        return self.store.get_artifact_types_by_id([artifact.type_id])[0]

    def begin_execution(
        self,
        type_name: str,
        inputs: Mapping[str, mlmd.Artifact],
        properties: Mapping[str, str],
    ) -> int:
        """Records work in this run that is no node's of the graph; RUNNING."""
        type_id = self.store.put_execution_type(
            mlmd.ExecutionType(name=type_name), can_omit_fields=True
        )
        execution = mlmd.Execution(
            type_id=type_id, last_known_state=mlmd.Execution.RUNNING
        )
        for name, value in properties.items():
            execution.custom_properties[name].string_value = value
        contexts = self.store.get_contexts_by_id(
            [
                self._context("pipeline", self._pipeline),
                self._context(_RUN, self._run_id),
                self._context("node", f"{self._pipeline}.{type_name}"),
            ]
        )
        events = [(a, _event(mlmd.Event.INPUT, key)) for key, a in inputs.items()]
        return self.store.put_execution(execution, events, contexts)[0]

    def end_execution(
        self,
        execution_id: int,
        state: str,
        outputs: Mapping[str, mlmd.Artifact] = types.MappingProxyType({}),
    ) -> None:
        """Ends it as COMPLETE or FAILED, with what it put out, which is synced."""
        execution = self.execution(execution_id)
        execution.last_known_state = mlmd.Execution.State.Value(state)
        contexts = self.store.get_contexts_by_execution(execution_id)
        events = []
        for key, artifact in outputs.items():
            known = self.store.get_artifact_type("PushedModel")
            artifact.type_id = artifact.type_id or known.id
            payload.sync(artifact.uri)
            events.append((artifact, _event(mlmd.Event.OUTPUT, key)))
        self.store.put_execution(execution, events, contexts)

    def describe_failure(self, execution_id: int, error: str) -> None:
        """TFX leaves a failed execution without a reason; gives it one."""
        execution = self.execution(execution_id)
        execution.custom_properties[recorded.ExecutionKey.ERROR].string_value = error
        self.store.put_executions([execution])

    def keep_evidence(self, execution_id: int, anomalies: Mapping[str, bytes]) -> None:
        """Records refused data's anomalies, which TFX deletes with the failed node."""
        folder = os.path.join(
            self._artifacts_path, SCHEMA_VALIDATOR, "anomalies", str(execution_id)
        )
        for split, content in anomalies.items():
            path = os.path.join(folder, f"Split-{split}")
            os.makedirs(path, exist_ok=True)
            with open(os.path.join(path, "SchemaDiff.pb"), "wb") as file:
                file.write(content)
        payload.sync(folder)
        from tfx.types import standard_artifacts

        # In a store that never saw an accepted data set the type is not there yet.
        type_id = self.store.put_artifact_type(
            standard_artifacts.ExampleAnomalies().artifact_type, can_omit_fields=True
        )
        artifact = mlmd.Artifact(type_id=type_id, uri=folder, state=mlmd.Artifact.LIVE)
        artifact.properties["split_names"].string_value = json.dumps(list(anomalies))
        event = _event(mlmd.Event.OUTPUT, "anomalies")
        # Of the pipeline, so that `orphans` knows whose it is, and of no run: a node
        # that looks for its inputs never finds what was refused.
        pipeline = self.store.get_context_by_type_and_name("pipeline", self._pipeline)
        self.store.put_execution(
            self.execution(execution_id), [(artifact, event)], [pipeline]
        )

    def close_open(self, state: str) -> None:
        """Ends executions that nobody works on any more; deletes their half outputs.

        Called at the start, when the lock says that no run is alive here, and after
        an interrupt: TFX publishes nothing for either. In a shared store another
        machine's run may be at work; only this output root's are closed.

        Args:
          state: 'FAILED' or 'CANCELED'.
        """
        with self._reading() as store:
            mine = ownership.Owner(store, self._config).executions(
                self._ids_in(store, _OPEN_HERE)
            )
        stale = self.store.get_executions_by_id(map(int, mine))
        for execution in stale:
            execution.last_known_state = mlmd.Execution.State.Value(state)
            self._remove_outputs(execution.id)
        if stale:
            self.store.put_executions(stale)

    def forget_missing(self) -> list[str]:
        """Marks artifacts whose payload is gone DELETED, so that no cache offers them.

        TFX's cache only looks whether the folder exists. Gone is also an emptied
        folder, and a pushed model whose serving version was removed. What another
        machine made, whose files are not here, is no such loss.
        """
        with self._reading() as store:
            live = self._ids_in(store, _LIVE_HERE)
            found = self.store.get_artifacts_by_id(map(int, live))
            missing = {str(a.id): a for a in found if not has_payload(a)}
            mine = ownership.Owner(store, self._config).artifacts(missing)
        gone = [missing[id_] for id_ in mine]
        for artifact in gone:
            artifact.state = mlmd.Artifact.DELETED
        if gone:
            self.store.put_artifacts(gone)
        return [artifact.uri for artifact in gone]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sql.SqlStore]:
        """MLMD's API cannot ask for a state: it reads the pipeline's whole history."""
        with contextlib.closing(connections.opened(self._config.store)) as connection:
            yield sql.SqlStore(connection)

    def _ids_in(self, store: sql.SqlStore, question: str) -> list[str]:
        context = self.store.get_context_by_type_and_name("pipeline", self._pipeline)
        return store.ids(question, context.id) if context else []

    def _context(self, type_name: str, name: str) -> int:
        return library.context(self.store, type_name, name)

    def _executions_here(self, node: str) -> list[mlmd.Execution]:
        """Those of a node in this run, newest first; other runs are not read."""
        get = self.store.get_context_by_type_and_name
        run = get(_RUN, self._run_id)
        of_node = get("node", f"{self._pipeline}.{node}")
        if run is None or of_node is None:
            return []
        return recent_executions.executions(self.store, [run, of_node], self.contexts)[
            ::-1
        ]

    def _in_context(self, type_name: str, name: str) -> list[mlmd.Execution]:
        context = self.store.get_context_by_type_and_name(type_name, name)
        return self.store.get_executions_by_context(context.id) if context else []

    def _artifacts(
        self, execution_id: int, kinds: tuple[int, ...]
    ) -> dict[str, list[mlmd.Artifact]]:
        events = [
            event
            for event in self.store.get_events_by_execution_ids([execution_id])
            if event.type in kinds
        ]
        ids = [event.artifact_id for event in events]
        artifacts = {a.id: a for a in self.store.get_artifacts_by_id(ids)}
        found: dict[str, list[mlmd.Artifact]] = {}
        for event in events:
            key = event.path.steps[0].key
            found.setdefault(key, []).append(artifacts[event.artifact_id])
        return found

    def _remove_outputs(self, execution_id: int) -> None:
        """TFX's layout: NODE/OUTPUT/EXECUTION_ID."""
        for node in _folders(self._artifacts_path):
            for output in _folders(node):
                shutil.rmtree(os.path.join(output, str(execution_id)), True)


def _event(kind: int, key: str) -> mlmd.Event:
    event = mlmd.Event(type=kind)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event


def has_payload(artifact: mlmd.Artifact) -> bool:
    """Whether what the artifact stands for is still there."""
    properties = {
        name: artifact.custom_properties[name].string_value
        for name in (recorded.Pushed.PUSHED, recorded.Pushed.DESTINATION)
        if name in artifact.custom_properties
    }
    return payload.exists(artifact.uri, properties)


def _folders(path: str) -> list[str]:
    if not os.path.isdir(path):
        return []
    return [entry.path for entry in os.scandir(path) if entry.is_dir()]
