"""The compiled nodes, launched one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from absl import logging
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx import types
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import (
    launcher,
    partial_run_utils,
    runtime_parameter_utils,
)
from tfx.proto.orchestration import pipeline_pb2

from pipeline import errors
from pipeline.code import fingerprint
from pipeline.config.config import Config
from pipeline.local import outputs
from pipeline.local.selection import Selection
from pipeline.metadata import recent_executions
from pipeline.metadata.run_record import Record
from pipeline.nodes import BASELINE_RESOLVER
from pipeline.pipeline import create_pipeline


def compiled(config: Config) -> pipeline_pb2.Pipeline:
    """The pipeline's IR, each node stamped with the digest of its code."""
    ir = compiler.Compiler().compile(create_pipeline(config))
    for node in ir.nodes:
        files = fingerprint.code_files(node.pipeline_node.node_info.id)
        parameters = node.pipeline_node.parameters.parameters
        for name, value in (
            ("code_digest", fingerprint.code_digest(files)),
            ("code_files", json.dumps(files, sort_keys=True)),
        ):
            parameters[name].field_value.string_value = value
    return ir


def select(
    ir: pipeline_pb2.Pipeline, selection: Selection, base_run_id: str | None
) -> None:
    """Marks the nodes to run; the others take their outputs from the base run."""
    settings = pipeline_pb2.SnapshotSettings()
    if base_run_id:
        settings.base_pipeline_run_strategy.base_run_id = base_run_id
    else:
        settings.latest_pipeline_run_strategy.SetInParent()
    partial_run_utils.mark_pipeline(
        ir,
        from_nodes=list(selection.from_nodes) or None,
        to_nodes=list(selection.to_nodes) or None,
        snapshot_settings=settings,
    )
    for node in ir.nodes:
        # Whoever says --from NODE wants it to run, changed or not.
        if node.pipeline_node.node_info.id in selection.from_nodes:
            options = node.pipeline_node.execution_options
            options.caching_options.enable_cache = False


class Handle(metadata.Metadata):
    """TFX's handle on a store that is open already.

    So the connection, which may hold a password, is not in the graph, which TFX logs.
    """

    def __init__(self, store: metadata_store.MetadataStore) -> None:
        """Takes the open store."""
        super().__init__(None)
        self._store = store

    def __enter__(self) -> Handle:
        """Nothing is opened."""
        return self

    def __exit__(self, *ended: object) -> None:
        """The store stays open for the next node."""


class NodeLauncher(launcher.Launcher):
    """TFX's, which says COMPLETE of outputs when they are on the disk and recorded."""

    def _publish_successful_execution(
        self,
        execution_id: int,
        contexts: Any,
        output_dict: Mapping[str, Sequence[types.Artifact]],
        executor_output: Any,
    ) -> None:
        outputs.keep(output_dict, executor_output)
        super()._publish_successful_execution(
            execution_id, contexts, output_dict, executor_output
        )


class Launcher:
    """Runs the nodes of one IR under one run id."""

    def __init__(
        self,
        ir: pipeline_pb2.Pipeline,
        run_id: str,
        record: Record,
        thorough: bool,
        say: Callable[[str], None],
    ) -> None:
        """Runs nothing yet.

        Args:
          ir: of `compiled`.
          run_id: of the run.
          record: of the run.
          thorough: whether every byte is compared before a result is reused.
          say: told of a result that is damaged, one line.
        """
        runtime_parameter_utils.substitute_runtime_parameter(
            ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        self._ir = ir
        self._record = record
        self._thorough, self._say = thorough, say
        self._deployment = runner_utils.extract_local_deployment_config(ir)
        self._handle = Handle(record.store)

    def nodes(self) -> Iterator[tuple[str, str | None]]:
        """(id, state) of each node; state is None for a node that is to be run."""
        for node in self._ir.nodes:
            options = node.pipeline_node.execution_options
            state = None
            if options.HasField("skip"):
                reuse = partial_run_utils.should_attempt_to_reuse_artifact(options)
                state = "reused" if reuse else "skipped"
            yield node.pipeline_node.node_info.id, state

    def launch(self, node_id: str) -> tuple[str, int | None]:
        """Runs one node to its end.

        Returns:
          'done', 'cached' or 'skipped', and the execution's id.

        Raises:
          NodeFailed: MLMD says FAILED though nothing was raised (field notes, trap 1:
            a node that cannot resolve its inputs).
          Exception: whatever the executor raised.
        """
        node = next(
            node.pipeline_node
            for node in self._ir.nodes
            if node.pipeline_node.node_info.id == node_id
        )
        if node.execution_options.run.perform_snapshot:
            partial_run_utils.snapshot(self._handle, self._ir)
            reused = [node for node, state in self.nodes() if state == "reused"]
            self._require_whole(reused)
        logging.info("Component %s is running.", node_id)
        node_launcher = NodeLauncher(
            pipeline_node=node,
            mlmd_connection=self._handle,
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, node_id),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(
                self._deployment, node_id
            ),
        )
        with (
            recent_executions.read_first(self._record.contexts),
            outputs.looked_at_first(
                self._thorough, lambda line: self._say(f"{node_id}: {line}")
            ),
        ):
            info = node_launcher.launch()
        if info is None or info.execution_id is None:
            return "skipped", None
        execution = self._record.execution(info.execution_id)
        if execution.last_known_state == mlmd.Execution.CACHED:
            # A resolver publishes its result as a cached execution, always.
            is_resolver = node_id == BASELINE_RESOLVER
            if is_resolver:
                self._require_whole([node_id])
            return ("done" if is_resolver else "cached"), execution.id
        if execution.last_known_state != mlmd.Execution.COMPLETE:
            raise errors.NodeFailed(node_id, _failure(execution))
        return "done", execution.id

    def _require_whole(self, nodes: Iterable[str]) -> None:
        """What this run takes of an earlier one, unasked, is what was recorded.

        Raises:
          NodeFailed: it is not; the next run will not take it.
        """
        for node in nodes:
            put_out = self._record.outputs_of(node).values()
            said: list[str] = []
            if outputs.mark_damaged(
                self._record.store,
                [artifact for group in put_out for artifact in group],
                self._thorough,
                said.append,
            ):
                words = "; ".join(said)
                raise errors.NodeFailed(node, f"{words}. Run all nodes again")


def _failure(execution: mlmd.Execution) -> str:
    """The last line of the traceback that TFX stored, if it stored one."""
    result = execution.custom_properties["__execution_result__"].string_value
    if not result:
        state = mlmd.Execution.State.Name(execution.last_known_state)
        return f"MLMD has it as {state}, with no error recorded"
    message = json.loads(result).get("resultMessage", result)
    return "could not resolve its inputs: " + message.strip().splitlines()[-1]
