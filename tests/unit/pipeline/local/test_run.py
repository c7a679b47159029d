"""The end of a run whose metadata store went away meanwhile."""

from __future__ import annotations

import json
import os

import pytest

from pipeline.config import config as config_lib
from pipeline.interrupts import Interrupts
from pipeline.local.run import LocalRun
from pipeline.local.selection import Selection
from pipeline.runs.summary import RunSummary
from tests.fakes import databases


def test_a_run_whose_store_went_away_still_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", databases.PASSWORD)
    gone = databases.Database("mysql", port=9)
    sets = [f"output_root={tmp_path}", f"metadata.store={gone.uri}"]
    config = config_lib.load((), sets, platform="local").config
    run = LocalRun(config, [], Selection(), (), "0" * 64)

    def launched():
        run._display.start("Trainer")
        raise RuntimeError("server has gone away")

    monkeypatch.setattr(run, "_launch_all", launched)
    with run.begun("hand"):
        run.execute(Interrupts())
        summary = run.announced(run.settled())

    assert (summary.outcome, summary.node) == ("FAILED", "Trainer")
    trainer = next(node for node in summary.nodes if node.id == "Trainer")
    assert trainer.state == "failed"
    assert summary.reasons[0] == "RuntimeError: server has gone away"
    assert "cannot be reached" in summary.reasons[1]
    assert "not in MLMD" in summary.reasons[1]
    [file] = tmp_path.glob("runs/*/summary.json")
    assert json.loads(file.read_text())["outcome"] == "FAILED"
    assert databases.PASSWORD not in file.read_text()


@pytest.fixture
def begun(tmp_path):
    """A run of which a test says how its nodes end; its summary."""
    config = config_lib.load((), [f"output_root={tmp_path}"], platform="local").config

    def begun(launched) -> RunSummary:
        run = LocalRun(config, [], Selection(), (), "0" * 64)
        run._launch_all = launched
        with run.begun("hand"):
            run.execute(Interrupts())
            return run.announced(run.settled())

    return begun


def test_user_code_that_ends_the_process_with_0_fails_the_run(begun, tmp_path):
    summary = begun(lambda: os._exit(0))

    assert (summary.outcome, summary.exit_code) == ("FAILED", 1)
    assert "os._exit(0) was called in the middle of the run" in summary.reasons[0]
    [file] = tmp_path.glob("runs/*/summary.json")
    assert json.loads(file.read_text())["outcome"] == "FAILED"
    assert "FAILED" in file.with_name("message.txt").read_text()
