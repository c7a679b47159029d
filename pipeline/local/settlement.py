"""A push whose record was cut off: the registry's move says how it must end.

Only the move makes a version serve. Whatever ended the process after it, a kill, Ctrl-C
or a full disk, is too late: store, summary and people get what they would have got.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import quiet, recorded
from pipeline.config.config import Config
from pipeline.lineage.moves import ChampionMoves
from pipeline.local import refused
from pipeline.metadata.run_record import Record
from pipeline.nodes import PUSHER
from pipeline.notifications import notify
from pipeline.platforms import settings
from pipeline.registry.versions import Move
from pipeline.reports import write
from pipeline.runs import folder, start, summary
from pipeline.runs.facts import RunFacts
from pipeline.runs.outcome import Outcome
from pipeline.runs.summary import RunSummary

# TFX is imported when something is completed, which is hardly ever.

Parameters = Mapping[str, str]
"""Parameters of the run's Pusher."""


def effective(run_id: str, parameters: Parameters, action: str) -> Move | None:
    """The move of that run that made a version serve, or wait; None: there is none."""
    registry = refused.registry_of(parameters)
    moves = registry.moves() if registry else []
    return next(
        (m for m in moves if m.finished and m.action == action and m.run_id == run_id),
        None,
    )


def found_again(copy: str, move: Move, parameters: Parameters) -> Any:
    """The artifact, by the move and the copy; how fast it served is lost."""
    with quiet.imports():
        from tfx.types import standard_artifacts

        from pipeline.components import payload

    version = os.path.join(parameters["destination"], move.pushed)
    pushed = standard_artifacts.PushedModel()
    pushed.uri = copy
    for name, value in (
        (recorded.Pushed.DESTINATION, version),
        (recorded.Pushed.VERSION, move.pushed),
        (recorded.Pushed.MANIFEST, move.manifest),
        (recorded.Pushed.REGISTERED, version),
    ):
        pushed.set_string_custom_property(name, value)
    pushed.set_int_custom_property(recorded.Pushed.PUSHED, 1)
    served = int(move.champion == move.pushed)
    pushed.set_int_custom_property(recorded.Pushed.CHAMPION, served)
    payload.describe(pushed)
    return pushed


def settle(config: Config) -> list[str]:
    """Ends the record of each run that was cut off when its model was pushed already.

    The caller holds the output root.

    Returns:
      A line for each.
    """
    registry = settings.registry(config, "local").opened()
    lines: list[str] = []
    for move in registry.moves() if registry else ():
        if not (move.finished and move.action == "push"):
            continue
        record = Record(config, move.run_id)
        if not complete(record, config):
            break  # and so are all before it: each run settles what is before it
        _announce(record, config, move)
        lines.append(
            f"run {move.run_id}: it was cut off after it had pushed version "
            f"{move.pushed}; now it is on record"
        )
    return lines


def complete(record: Record, config: Config) -> Move | None:
    """Ends the Pusher's execution of a run as the registry says, if it says so.

    Returns:
      The move; None when there is nothing to complete.
    """
    execution = record.newest_of(PUSHER)
    if execution is None or record.outputs_of(PUSHER):
        return None
    parameters = record.parameters_of(PUSHER)
    move = effective(record.run_id, parameters, "push")
    if move is None:
        return None
    copy = os.path.join(
        config.artifacts_path, PUSHER, "pushed_model", str(execution.id)
    )
    # TFX may have removed it, or was not done with it; the version has the same files.
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(os.path.join(parameters["destination"], move.pushed), copy)
    pushed = found_again(copy, move, parameters)
    artifact = pushed.mlmd_artifact
    artifact.type_id = record.store.put_artifact_type(
        pushed.artifact_type, can_omit_fields=True
    )
    artifact.state = _LIVE
    record.end_execution(execution.id, "COMPLETE", {"pushed_model": artifact})
    if registry := refused.registry_of(parameters):
        ChampionMoves(registry, config.store, record.pipeline).keep(move)
    return move


_LIVE = 2
"""mlmd.Artifact.LIVE."""


def _announce(record: Record, config: Config, move: Move) -> None:
    """To the run's record, its summary and page, and to people."""
    runs = Path(config.output_root, "runs")
    path = runs / record.run_id
    begun = start.read(runs, record.run_id)
    found = _summary(record, config, folder.read(path))
    if begun.started and not found.seconds:
        took = round(move.at - begun.started, 2)
        found = dataclasses.replace(found, seconds=took)
    record.describe_run(
        {
            recorded.RunKey.OUTCOME: found.outcome,
            recorded.RunKey.OUTCOME_NODE: "",
            recorded.RunKey.REASONS: "[]",
            recorded.RunKey.ENDED: f"{move.at:.3f}",
        }
    )
    if not path.is_dir():
        return  # a person removed it
    facts = RunFacts.of_summary(found, ended=time.time()).since(begun)
    notify.notify(facts, config.notifications, runs)
    folder.RunFolder(path).write_json(summary.FILE, found.to_dict())
    write.attempt(config.output_root, record.run_id)


def _summary(record: Record, config: Config, before: RunSummary) -> RunSummary:
    """What the run would have said of itself; of its nodes what it did say."""
    from pipeline.local.results import results_of

    ended = dataclasses.replace(
        before,
        pipeline=config.pipeline_name,
        outcome=Outcome.SUCCEEDED.name,
        exit_code=Outcome.SUCCEEDED.value,
        node=None,
        reasons=(),
    )
    return results_of(record).added_to(ended)
