"""The end of a run whose metadata store went away meanwhile."""

from __future__ import annotations

import io

from pipeline.config import config as config_lib
from pipeline.local import run as local
from pipeline.local import terminal as progress
from pipeline.runs import folder as runs
from tests.fakes import databases


def test_a_run_whose_store_went_away_still_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", databases.PASSWORD)
    gone = databases.Database("mysql", port=9)
    sets = [f"output_root={tmp_path}", f"metadata.store={gone.uri}"]
    config = config_lib.load((), sets, platform="local").config
    display = progress.Progress(io.StringIO(), ["Trainer"], "run-1")
    display.start("Trainer")
    ended = local._Ended(RuntimeError("server has gone away"), "Trainer")

    summary = local._settle(config, runs.new_run(str(tmp_path)), ended, display, False)

    assert (summary["outcome"], summary["node"]) == ("FAILED", "Trainer")
    assert summary["nodes"][0]["state"] == "failed"
    assert summary["reasons"][0] == "RuntimeError: server has gone away"
    assert "cannot be reached" in summary["reasons"][1]
    assert "not in MLMD" in summary["reasons"][1]
    assert databases.PASSWORD not in str(summary)
