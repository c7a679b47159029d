"""gate override: a person pushes a model that was refused, and it stays on record.

It goes through the Pusher's own check, manifest and registry. The verdict and the
blessing stay as the Evaluator wrote them. The record is begun before the push: a crash
leaves an execution GateOverride that says who wanted what. The registry's move is what
makes it take effect, so after a crash the registry says how the record must end.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline import quiet, recorded
from pipeline.config.config import Config
from pipeline.lineage.moves import ChampionMoves
from pipeline.local import announce, refused, settlement
from pipeline.local.refused import Refused
from pipeline.metadata import process
from pipeline.metadata.run_record import OPEN, Record
from pipeline.nodes import PUSHER
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Override
from pipeline.runs.outcome import words

# TFX is imported when a model is pushed, or was: --dry-run and a question need none.

_ACTION = "override"
"""Of the registry's move."""

Parameters = Mapping[str, str]
"""Parameters of the run's Pusher."""


def carry_out(found: Refused, config: Config, said: Override) -> str:
    """Pushes it; returns the version's folder.

    Raises:
      PushFailed: it does not serve, or cannot be written. What serves now is untouched,
        and the execution says FAILED.
    """
    with quiet.imports():
        from tfx.types import standard_artifacts

    record = found.record
    execution = _begin(found, said)
    pushed = standard_artifacts.PushedModel()
    pushed.uri = _copy(config, execution)
    try:
        _push(found, pushed, said)
    except BaseException as error:
        move = settlement.effective(found.run_id, found.parameters, _ACTION)
        if move is None:
            _give_up(record, execution, pushed.uri, words(error))
            raise
        # It is served, so it is too late to fail.
        pushed = settlement.found_again(pushed.uri, move, found.parameters)
    return _finish(record, config, execution, pushed)


def settle(config: Config) -> list[str]:
    """Ends the record of what a crash cut off; the caller holds the output root.

    Returns:
      A line for each override that was not at its end.
    """
    everything = Record(config, "")
    lines = []
    for execution in everything.executions_of(recorded.Override.TYPE):
        if execution.last_known_state == mlmd.Execution.FAILED:
            continue
        run_id = everything.run_of(execution.id)
        line = _settled(Record(config, run_id), config, run_id, execution)
        lines += [f"run {run_id}: {line}"] if line else []
    return lines


def _settled(
    record: Record, config: Config, run_id: str, execution: mlmd.Execution
) -> str:
    """What was done, in words; '' when there was nothing to do."""
    if execution.last_known_state not in OPEN:
        if not announce.is_missing(record, config.output_root):
            return ""
        announce.everywhere(record, config, execution.id)
        return "its override was pushed; now all of the record says so"
    parameters = record.parameters_of(PUSHER)
    move = settlement.effective(run_id, parameters, _ACTION)
    copy = _copy(config, execution.id)
    if move is None:
        _discard(run_id, parameters)
        why = "it was cut off before anything was pushed"
        _give_up(record, execution.id, copy, why)
        return "its override was cut off; nothing was pushed"
    _finish(
        record, config, execution.id, settlement.found_again(copy, move, parameters)
    )
    return "its override was pushed and cut off; now it is on record"


def _begin(found: Refused, said: Override) -> int:
    spoken = {"by": said.by, "reason": said.reason, "at": round(time.time(), 3)}
    return found.record.begin_execution(
        recorded.Override.TYPE,
        {key: found.inputs[key] for key in ("model", "blessing", "evaluation")},
        {
            recorded.Override.SAID: json.dumps(spoken),
            recorded.Override.PROCESS: process.this(),
            recorded.Override.VERDICT: str(found.summary.verdict),
            recorded.Override.FAILING: json.dumps(
                [check.to_dict() for check in found.summary.failing]
            ),
        },
    )


def _copy(config: Config, execution: int) -> str:
    """The folder of the pushed model's artifact."""
    return os.path.join(
        config.artifacts_path, recorded.Override.TYPE, "pushed_model", str(execution)
    )


def _push(found: Refused, pushed: Any, said: Override) -> None:
    with quiet.imports():
        from tfx.types import artifact_utils

        from pipeline.components import pusher

    inputs = {
        key: [artifact_utils.deserialize_artifact(found.record.type_of(a), a)]
        for key, a in found.inputs.items()
    }
    pusher.deliver(inputs, pushed, found.parameters, found.run_id, said)


def _discard(run_id: str, parameters: Parameters) -> None:
    """A version that no move ever brought is nobody's."""
    registry = refused.registry_of(parameters)
    if isinstance(registry, LocalRegistry):
        registry.discard(run_id)


def _finish(record: Record, config: Config, execution: int, pushed: Any) -> str:
    """Writes it down wherever somebody may look; the version's folder."""
    spoken = announce.spoken(record, execution)
    pushed.set_string_custom_property(recorded.Override.SAID, spoken)
    pushed.mlmd_artifact.state = mlmd.Artifact.LIVE
    record.end_execution(execution, "COMPLETE", {"pushed_model": pushed.mlmd_artifact})
    if registry := refused.registry_of(record.parameters_of(PUSHER)):
        ChampionMoves(registry, config.store, record.pipeline).settle()
    announce.everywhere(record, config, execution)
    return str(pushed.get_string_custom_property(recorded.Pushed.DESTINATION))


def _give_up(record: Record, execution: int, copy: str, why: str) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    record.end_execution(execution, "FAILED")
    record.describe_failure(execution, why)
