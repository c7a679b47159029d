"""kill -9 in the middle of an override: what is served is on record after it."""

from __future__ import annotations

import os
import signal

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.components import payload
from pipeline.errors import UsageError
from pipeline.lineage import history, why
from pipeline.local import announce, override
from pipeline.metadata import run_record
from pipeline.reports import write
from pipeline.runs import folder
from tests.unit.pipeline.local.refusals import (
    AFTER_THE_MOVE,
    BEFORE_THE_MOVE,
    RUN,
    SAID,
)

AFTER = [
    *AFTER_THE_MOVE,
    (announce, "everywhere"),
    (announce.notify, "notify"),
    (folder.RunFolder, "write_json"),
    (write, "attempt"),
]


def killed(root, step) -> None:
    """Overrides in a process that dies by SIGKILL when it comes to that step."""
    child = os.fork()
    if child == 0:
        try:
            setattr(*step, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
            root.override()
        finally:
            os._exit(1)  # not a second pytest, whatever happened
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def name(step) -> str:
    return step[1]


def attempts(root) -> list[mlmd.Execution]:
    return run_record.connect(root.config).get_executions_by_type("GateOverride")


@pytest.mark.parametrize("step", BEFORE_THE_MOVE, ids=name)
def test_killed_before_the_move_nothing_is_served_and_the_attempt_is_on_record(
    root, step
):
    killed(root, step)

    [line] = override.settle(root.config)

    assert line == f"run {RUN}: its override was cut off; nothing was pushed"
    assert [move for move in root.registry.moves() if move.finished] == []
    assert root.registry.versions() == []
    [attempt] = attempts(root)
    assert attempt.last_known_state == mlmd.Execution.FAILED
    assert "cut off" in attempt.custom_properties["error_message"].string_value
    [known] = why.why(root.lineage, "trips", RUN).value["overrides"]
    assert known["state"] == "FAILED"
    assert known["overridden"].endswith(SAID.reason)
    assert "overridden" not in root.summary()
    assert override.settle(root.config) == []


def test_killed_before_the_move_the_next_override_pushes_and_leaves_no_half(root):
    for step in BEFORE_THE_MOVE[1:]:
        killed(root, step)
    override.settle(root.config)

    version = root.override()

    assert root.names() == [os.path.basename(version)]
    states = [attempt.last_known_state for attempt in attempts(root)]
    assert states == [*[mlmd.Execution.FAILED] * 3, mlmd.Execution.COMPLETE]


@pytest.mark.parametrize("step", AFTER, ids=name)
def test_killed_after_the_move_the_record_is_ended_and_says_who_and_why(root, step):
    killed(root, step)
    [version] = root.registry.versions()

    [line] = override.settle(root.config)

    assert "was pushed" in line
    [attempt] = attempts(root)
    assert attempt.last_known_state == mlmd.Execution.COMPLETE
    for found in (
        history.champion(root.lineage, "trips").value["champion"],
        history.runs(root.lineage, "trips").value["runs"][0],
        root.summary(),
    ):
        assert found["overridden"].endswith(SAID.reason)
    champion = history.champion(root.lineage, "trips").value["champion"]
    assert champion["version"] == version.number
    assert champion["content_sha256"]
    assert "pushed all the same by ada" in root.page()
    assert root.was_told("OVERRIDDEN: by ada")
    assert override.settle(root.config) == []
    with pytest.raises(UsageError, match="was overridden already by ada"):
        root.refused()


def test_until_then_champion_says_what_the_registry_serves(root):
    killed(root, (payload, "describe"))
    moves = root.registry.moves()

    answer = history.champion(root.lineage, "trips", moves=moves)

    assert answer.value["champion"] == {"version": moves[0].champion}
    assert answer.value["by"]["actor"] == "ada"
    assert "not on record here" in answer.notes[-1]


@pytest.mark.parametrize("error", [SystemExit, OSError], ids=str)
def test_an_error_after_the_move_comes_too_late_to_fail(root, monkeypatch, error):
    describe, broken = payload.describe, [error]

    def once(*arguments):
        if broken:
            raise broken.pop()
        describe(*arguments)

    monkeypatch.setattr(payload, "describe", once)

    version = root.override()

    [attempt] = attempts(root)
    assert attempt.last_known_state == mlmd.Execution.COMPLETE
    assert root.summary()["pushed"] == version
