"""A refused model goes out by a person's word, and no question misses that."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.errors import PushFailed, UsageError
from pipeline.lineage import history, trace, why
from pipeline.local import refused
from pipeline.metadata import run_record
from tests.unit.pipeline.local.refusals import RUN, SAID


def test_the_refused_model_is_pushed_and_registered_as_an_override(root):
    version = root.override()

    assert (Path(version) / "saved_model.pb").read_text() == "graph"
    [move] = root.registry.moves()
    assert (move.action, move.actor, move.reason) == ("override", "ada", SAID.reason)
    assert move.champion == move.pushed == Path(version).name
    assert root.registry.version(move.champion).problem == ""


def test_the_verdict_and_the_blessing_stay_as_they_were_written(root):
    before = run_record.Record(root.config, RUN).outputs_of("Evaluator")

    root.override()

    assert run_record.Record(root.config, RUN).outputs_of("Evaluator") == before
    assert before["blessing"][0].custom_properties["blessed"].int_value == 0


def test_trace_why_champion_runs_and_timeline_show_it(root):
    version = Path(root.override()).name

    store = root.lineage
    traced = trace.trace(store, "trips", version).value
    known = why.why(store, "trips", RUN).value
    champion = history.champion(store, "trips").value["champion"]
    [newest, *_] = history.runs(store, "trips").value["runs"]
    last = history.timeline(store, "trips").value["events"][-1]
    for found in (traced["model"], traced["run"], known, champion, newest):
        assert found["overridden"].startswith("by ada on 20")
        assert found["overridden"].endswith(SAID.reason)
    assert traced["verdict"]["word"] == "NOT_BLESSED"
    assert [row["node"] for row in traced["steps"]][-1] == "GateOverride"
    assert traced["files"]
    assert newest["pushed"] == version
    assert last["what"] == "overridden"
    assert "ada" in last["detail"]


def test_the_execution_has_verdict_and_failing_checks(root):
    root.override()

    store = run_record.connect(root.config)
    [execution] = store.get_executions_by_type("GateOverride")
    facts = execution.custom_properties
    assert execution.last_known_state == mlmd.Execution.COMPLETE
    assert facts["overridden_verdict"].string_value == "NOT_BLESSED"
    [check] = json.loads(facts["overridden_checks"].string_value)
    assert check["bound"] == ">= 0.8"
    assert json.loads(facts["overridden"].string_value)["reason"] == SAID.reason


def test_a_model_that_does_not_serve_is_not_pushed_and_the_attempt_stays(root, checks):
    checks("echo 'ValueError: shape' >&2; exit 1")

    with pytest.raises(PushFailed, match="does not serve"):
        root.override()

    store = run_record.connect(root.config)
    [execution] = store.get_executions_by_type("GateOverride")
    assert execution.last_known_state == mlmd.Execution.FAILED
    assert "shape" in execution.custom_properties["error_message"].string_value
    assert root.registry.moves() == []
    assert "overridden" not in root.summary()


def test_people_are_told_who_and_why(root):
    root.override()

    written = [f for f in (root.folder / "runs" / RUN).iterdir() if f.is_file()]
    text = "".join(f.read_text() for f in written if f.name != "summary.json")
    assert re.search("OVERRIDDEN: by ada on 20.*: the slice is three rows", text)


def test_a_second_override_is_refused(root):
    root.override()

    with pytest.raises(UsageError, match="was overridden already by ada"):
        root.refused()


@pytest.mark.parametrize("outcome", ["SUCCEEDED", "FAILED", "DATA_REFUSED", "UNKNOWN"])
def test_only_a_run_that_the_verdict_refused_can_be_overridden(root, outcome):
    root.mend(outcome=outcome)

    with pytest.raises(UsageError, match=f"ended {outcome}, and only"):
        root.refused()


def test_an_unknown_run_is_told(root):
    with pytest.raises(UsageError, match="there is no run nobody"):
        refused.of(root.config, "nobody")


def test_a_model_whose_files_are_gone_cannot_be_pushed(root):
    shutil.rmtree(Path(root.config.artifacts_path) / "Trainer" / "model" / "2")

    with pytest.raises(UsageError, match=r"files of its model are gone .*resume"):
        root.refused()
