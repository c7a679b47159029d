"""A refused model goes out by a person's word, and no question misses that."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import standard_artifacts

from pipeline import config as config_lib
from pipeline.components import pusher
from pipeline.errors import PushFailed, UsageError
from pipeline.lineage import connections, history, sql, trace, why
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Override
from pipeline.runners import override, record, refused
from tests import histories
from tests.histories import Spec

RUN = "run-00002"
SAID = Override(by="ada", reason="the slice is three rows <b>")


class Root:
    """An output root: a run that pushed, and one that was refused."""

    def __init__(self, folder: Path) -> None:
        sets = [f"output_root={folder}", "pipeline_name=trips"]
        self.config = config_lib.load((), sets, platform="local").config
        self.folder = folder
        self.registry = LocalRegistry(self.config.serving_path, "trips")

    @property
    def lineage(self) -> sql.SqlStore:
        return sql.SqlStore(connections.opened(self.config.metadata_path))

    def summary(self) -> dict:
        return json.loads((self.folder / "runs" / RUN / "summary.json").read_text())

    def refused(self) -> refused.Refused:
        return refused.of(self.config, RUN)

    def override(self) -> str:
        return override.carry_out(self.refused(), self.config, SAID)

    def mend(self, **facts) -> None:
        path = self.folder / "runs" / RUN / "summary.json"
        path.write_text(json.dumps({**self.summary(), **facts}))


@pytest.fixture
def checks(tmp_path, monkeypatch):
    """The serving check's process; the test says what it answers."""

    def checks(script: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(pusher.sys, "executable", str(program))

    yield checks
    assert sys.executable


@pytest.fixture
def root(tmp_path, checks) -> Root:
    checks("""echo '{"p50_ms": 1, "p95_ms": 2, "load_s": 3, "size_mb": 4}'""")
    made = Root(tmp_path / "output")
    made.folder.mkdir()
    store = histories.open_store(made.config.metadata_path)
    store.put_artifact_type(standard_artifacts.Examples().artifact_type)
    histories.write(store, [Spec(), Spec(code=1, good=False)])
    artifacts = store.get_artifacts()
    for artifact in artifacts:
        artifact.uri = artifact.uri.replace("/out/trips", made.config.artifacts_path)
        folder = Path(artifact.uri)
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text('{"candidate": {"overall": {"auc": 0.6}}}')
        if "/Trainer/model/" in artifact.uri:
            (folder / "Format-Serving").mkdir()
            (folder / "Format-Serving" / "saved_model.pb").write_text("graph")
        if "/examples/" in artifact.uri:
            artifact.properties["split_names"].string_value = '["train", "test"]'
            artifact.properties["span"].int_value = 7
            del artifact.custom_properties["span"]
    store.put_artifacts(artifacts)
    _give_parameters(store, made.config)
    run = made.folder / "runs" / RUN
    run.mkdir(parents=True)
    check = {"metric": "auc", "slice": "overall", "candidate": 0.6, "baseline": None}
    facts = {
        **{"run_id": RUN, "pipeline": "trips", "outcome": "NOT_BLESSED"},
        **{"verdict": "NOT_BLESSED", "reasons": ["auc (overall) is 0.6"]},
        "checks": [{**check, "bound": ">= 0.8", "passed": False}],
    }
    (run / "summary.json").write_text(json.dumps(facts))
    return made


def _give_parameters(store, config) -> None:
    """TFX keeps a node's parameters on its executions."""
    policy = {"check_rows": 3, "max_p95_ms": None, "max_size_mb": None, "promote": True}
    local = {"folder": config.serving_path, "name": "trips", "seen_as": ""}
    settings = {"local": local, "runs_folder": config.runs_path, "code": ""}
    found = store.get_executions_by_type("pipeline.components.Pusher")
    for execution in found:
        for name, value in (
            ("destination", config.serving_path),
            ("policy", json.dumps(policy)),
            ("registry", json.dumps(settings)),
            ("withheld", ""),
        ):
            execution.custom_properties[name].string_value = value
    store.put_executions(found)


def test_the_refused_model_is_pushed_and_registered_as_an_override(root):
    version = root.override()

    assert (Path(version) / "saved_model.pb").read_text() == "graph"
    [move] = root.registry.moves()
    assert (move.action, move.actor, move.reason) == ("override", "ada", SAID.reason)
    assert move.champion == move.pushed == Path(version).name
    assert root.registry.version(move.champion).problem == ""


def test_the_verdict_and_the_blessing_stay_as_they_were_written(root):
    before = record.Record(root.config, RUN).outputs_of("Evaluator")

    root.override()

    assert record.Record(root.config, RUN).outputs_of("Evaluator") == before
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

    store = record.connect(root.config)
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

    store = record.connect(root.config)
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
