"""A run that ended right after the pointer moved: what serves is on record."""

from __future__ import annotations

import json
import os
import signal

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import artifact_utils, standard_artifacts

from pipeline import files
from pipeline.components import payload, pusher
from pipeline.lineage import history, moves, orphans, trace
from pipeline.local import settlement
from pipeline.metadata import process, run_record
from pipeline.metadata.run_record import Record
from pipeline.recorded import Pushed
from pipeline.registry import pointer
from pipeline.reports import write
from pipeline.runs import folder
from tests.unit.pipeline.local.refusals import AFTER_THE_MOVE, BEFORE_THE_MOVE

RUN = "run-00003"


def push(root) -> None:
    """As a run's Pusher does, and TFX around it."""
    path = root.folder / "runs" / RUN
    files.write_text(path / "started.json", json.dumps({"started": 1.8e9}))
    found = root.refused()
    record = Record(root.config, RUN)
    record.begin_run({"pipeline": "trips", "process": process.this()})
    execution = record.begin_execution(
        "Pusher", {"model": found.inputs["model"]}, found.parameters
    )
    pushed = standard_artifacts.PushedModel()
    pushed.uri = os.path.join(
        root.config.artifacts_path, "Pusher", "pushed_model", str(execution)
    )
    inputs = {
        key: [artifact_utils.deserialize_artifact(found.record.type_of(a), a)]
        for key, a in found.inputs.items()
    }
    pusher.deliver(inputs, pushed, found.parameters, RUN)
    pushed.mlmd_artifact.state = mlmd.Artifact.LIVE
    record.end_execution(execution, "COMPLETE", {"pushed_model": pushed.mlmd_artifact})


def killed(root, step) -> None:
    child = os.fork()
    if child == 0:
        try:
            setattr(*step, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
            push(root)
        finally:
            os._exit(1)  # not a second pytest, whatever happened
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def name(step) -> str:
    return step[1]


def champion(root, at: float | None = None) -> dict:
    known = moves.of_pipeline(root.lineage, "trips")
    return history.champion(root.lineage, "trips", at, known).value["champion"]


@pytest.mark.parametrize("step", BEFORE_THE_MOVE, ids=name)
def test_killed_before_the_move_there_is_nothing_to_settle(root, step):
    killed(root, step)

    assert settlement.settle(root.config) == []
    assert Record(root.config, RUN).outputs_of("Pusher") == {}


@pytest.mark.parametrize("step", AFTER_THE_MOVE, ids=name)
def test_killed_after_the_move_the_next_run_completes_the_record(root, step):
    killed(root, step)
    [version] = root.registry.versions()
    [move] = root.registry.moves()

    lines = settlement.settle(root.config)

    [line] = lines
    assert line.startswith(f"run {RUN}: it was cut off after it had pushed version")
    known = champion(root)
    assert (known["version"], known["run"]) == (version.number, RUN)
    assert champion(root, move.at + 0.001)["version"] == version.number
    assert champion(root, move.at - 1).get("version") != version.number
    traced = trace.trace(root.lineage, "trips", version.number).value
    assert RUN in json.dumps(traced)
    summary = folder.read(root.folder / "runs" / RUN)
    assert (summary.outcome, summary.pushed) == ("SUCCEEDED", version.uri)
    assert (root.folder / "runs" / RUN / write.FILE).exists()
    assert settlement.settle(root.config) == []


def test_until_then_champion_says_what_the_registry_serves(root):
    store = run_record.connect(root.config)
    before, _ = store.get_artifacts_by_type("PushedModel")  # one was refused
    place = os.path.join(root.config.serving_path, "1")
    before.custom_properties[Pushed.DESTINATION].string_value = place
    store.put_artifacts([before])
    assert champion(root)["version"] == "1"

    killed(root, (pusher, "_deploy"))

    [version] = root.registry.versions()
    assert champion(root) == {"version": version.number}
    [move] = root.registry.moves()
    assert champion(root, move.at - 0.001)["version"] == "1"


def test_what_tfx_removed_of_the_artifact_is_taken_from_the_version(root):
    killed(root, (payload, "describe"))
    copies = root.folder / "artifacts" / "Pusher" / "pushed_model"
    for file in sorted(copies.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()

    settlement.settle(root.config)

    [made] = Record(root.config, RUN).outputs_of("Pusher")["pushed_model"]
    assert (root.folder / made.uri / "saved_model.pb").read_text() == "graph"
    assert "saved_model.pb" in made.custom_properties["content"].string_value


def test_it_is_an_orphan_that_the_registry_ends(root):
    killed(root, (pusher, "_deploy"))

    _, plan = orphans.orphans(root.lineage, "trips", None, None)
    settlement.settle(root.config)
    orphans.fix(root.config.store, plan)

    execution = Record(root.config, RUN).newest_of("Pusher")
    assert plan.pushes == (str(execution.id),)
    assert execution.last_known_state == mlmd.Execution.COMPLETE


def test_an_orphan_that_was_not_moved_in_failed(root):
    killed(root, (pointer, "replace"))

    _, plan = orphans.orphans(root.lineage, "trips", None, None)
    settlement.settle(root.config)
    orphans.fix(root.config.store, plan)

    execution = Record(root.config, RUN).newest_of("Pusher")
    assert execution.last_known_state == mlmd.Execution.FAILED
