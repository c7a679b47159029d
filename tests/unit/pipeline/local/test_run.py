"""The end of a run whose metadata store went away meanwhile."""

from __future__ import annotations

import errno
import json
import os

import pytest

from pipeline.config import config as config_lib
from pipeline.interrupts import Interrupts
from pipeline.local import run, settlement
from pipeline.local.run import LocalRun
from pipeline.local.selection import Selection
from pipeline.registry.versions import Move
from pipeline.runs import folder
from pipeline.runs.summary import RunSummary
from tests.fakes import databases


def test_a_run_whose_store_went_away_still_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", databases.PASSWORD)
    gone = databases.Database("mysql", port=9)
    sets = [f"output_root={tmp_path}", f"metadata.store={gone.uri}"]
    config = config_lib.load((), sets, platform="local").config
    this = LocalRun(config, [], Selection(), (), "0" * 64)

    def launched():
        this._display.start("Trainer")
        raise RuntimeError("server has gone away")

    monkeypatch.setattr(this, "_launch_all", launched)
    with this.begun("hand"):
        this.execute(Interrupts())
        summary = this.announced(this.settled())

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
        this = LocalRun(config, [], Selection(), (), "0" * 64)
        this._launch_all = lambda: launched(this)
        with this.begun("hand"):
            this.execute(Interrupts())
            return this.announced(this.settled())

    return begun


def test_user_code_that_ends_the_process_fails_the_run(begun, tmp_path):
    summary = begun(lambda _: os._exit(3))

    assert (summary.outcome, summary.exit_code) == ("FAILED", 1)
    assert "os._exit(3) was called in the middle of the run" in summary.reasons[0]
    [file] = tmp_path.glob("runs/*/summary.json")
    assert json.loads(file.read_text())["outcome"] == "FAILED"
    assert "FAILED" in file.with_name("message.txt").read_text()


# Too late to fail


MOVE = Move(
    action="push", before="", champion="7", candidate="", actor="run 1", reason="good"
)


def ended(node: str, error: BaseException):
    def launched(this) -> None:
        this._display.start(node)
        raise error

    return launched


@pytest.mark.parametrize(
    ("node", "error"),
    [
        ("Pusher", KeyboardInterrupt()),
        ("Pusher", OSError(errno.ENOSPC, "No space left on device")),
        ("Notifier", KeyboardInterrupt()),
    ],
)
def test_what_ends_a_run_after_the_pointer_moved_came_too_late(
    begun, monkeypatch, capfd, node, error
):
    monkeypatch.setattr(settlement, "complete", lambda *_: MOVE)

    summary = begun(ended(node, error))

    assert (summary.outcome, summary.exit_code, summary.node) == ("SUCCEEDED", 0, None)
    [state] = [each.state for each in summary.nodes if each.id == node]
    assert state == ("done" if node == "Pusher" else "skipped")
    assert "it came too late: version 7 was pushed" in capfd.readouterr().out


def test_before_it_moved_an_interrupt_cancels_and_an_error_fails(begun):
    assert begun(ended("Pusher", KeyboardInterrupt())).outcome == "CANCELLED"
    assert begun(ended("Pusher", OSError("full"))).outcome == "FAILED"


def test_a_node_after_the_push_that_fails_still_fails_the_run(begun, monkeypatch):
    monkeypatch.setattr(settlement, "complete", lambda *_: MOVE)

    assert begun(ended("Notifier", OSError("full"))).outcome == "FAILED"


# The end is never a traceback


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_store_that_is_locked_is_waited_for(begun, monkeypatch):
    recorded, locked = LocalRun._recorded, [RuntimeError("database is locked")] * 2

    def of(this):
        if locked:
            raise locked.pop()
        return recorded(this)

    monkeypatch.setattr(LocalRun, "_recorded", of)
    monkeypatch.setattr(run.time, "sleep", lambda _: None)

    assert begun(lambda _: None).outcome == "SUCCEEDED"


def test_a_store_that_stays_locked_is_an_end_in_words(begun, monkeypatch):
    monkeypatch.setattr(LocalRun, "_recorded", raising(RuntimeError("locked")))
    monkeypatch.setattr(run, "_FOR_A_LOCK_S", 0)

    summary = begun(lambda _: None)

    assert (summary.outcome, summary.exit_code) == ("FAILED", 1)
    assert "This end of the run is not in MLMD" in summary.reasons[0]


def test_a_run_whose_summary_cannot_be_written_did_not_succeed(begun, monkeypatch):
    real = folder.RunFolder.write_json

    def write(this, name, value):
        if name == "summary.json":
            raise FULL
        real(this, name, value)

    monkeypatch.setattr(folder.RunFolder, "write_json", write)

    found = begun(lambda _: None)

    assert (found.outcome, found.exit_code) == ("FAILED", 1)
    assert "No space left" in found.reasons[0]


def test_people_who_cannot_be_told_stop_no_end(begun, monkeypatch, tmp_path):
    monkeypatch.setattr(LocalRun, "_tell_of_the_end", raising(FULL))

    found = begun(lambda _: None)

    assert found.outcome == "SUCCEEDED"
    assert "people were not told" in found.told[0]
    assert list(tmp_path.glob("runs/*/summary.json"))


def raising(error: Exception):
    def raises(*_: object):
        raise error

    return raises
