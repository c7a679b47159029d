"""Who is served changes at once or not at all, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings, stateful
from hypothesis import strategies as st

from pipeline import files
from pipeline.errors import UsageError
from pipeline.registry import decisions, journal, local, pointer
from pipeline.registry.versions import (
    CANDIDATE,
    CHAMPION,
    Origin,
    Override,
    holding,
)
from tests.unit.pipeline.registry.serving import Serving


def champion(serving) -> str:
    return holding(serving.registry.versions(), CHAMPION)


def promote(serving, number: str) -> None:
    registry = serving.registry
    registry.carry_out(decisions.promotion(registry, number, "ann", "better"))


def rollback(serving, number: str | None = None) -> None:
    registry = serving.registry
    registry.carry_out(decisions.rollback(registry, number, "bob", "complaints"))


# Moves


def test_a_pushed_version_is_champion_and_the_push_is_on_record(serving):
    version = serving.push("7", run_id="run-1")

    [move] = serving.registry.moves()
    assert version.aliases == (CHAMPION,)
    assert (move.action, move.before, move.champion) == ("push", "", "7")
    assert (move.run_id, move.finished) == ("run-1", True)


def test_a_version_is_found_by_its_number_its_alias_and_as_the_latest(serving):
    serving.push("7")
    serving.push("8", promote=False)

    found = [
        serving.registry.version(name).number
        for name in ("7", "champion", "candidate", "latest")
    ]

    assert found == ["7", "7", "8", "8"]


def test_without_such_a_version_the_known_ones_are_named(serving):
    with pytest.raises(UsageError, match=r"that is the champion in .*run the pipeline"):
        serving.registry.version("champion")
    serving.push("7")

    with pytest.raises(UsageError, match=r"no version 8 in .*Known: 7$"):
        serving.registry.version("8")


def test_a_candidate_waits_and_is_promoted_with_actor_and_reason(serving):
    serving.push("7")
    serving.push("8", promote=False)
    waiting = holding(serving.registry.versions(), CANDIDATE)

    promote(serving, "8")

    move = serving.registry.moves()[0]
    assert (waiting, champion(serving)) == ("8", "8")
    assert holding(serving.registry.versions(), CANDIDATE) == ""
    assert (move.action, move.actor, move.reason) == ("promote", "ann", "better")


def test_rolling_back_twice_goes_two_champions_back_and_not_forth(serving):
    for number in ("7", "8", "9"):
        serving.push(number)

    rollback(serving)
    after_one = champion(serving)
    rollback(serving)

    assert (after_one, champion(serving)) == ("8", "7")
    with pytest.raises(UsageError, match="there is no champion before version 7"):
        rollback(serving)


def test_after_a_rollback_a_new_champion_has_the_older_one_before_it(serving):
    for number in ("7", "8"):
        serving.push(number)
    rollback(serving)
    serving.push("9")

    rollback(serving)

    assert champion(serving) == "7"


def test_a_run_that_pushes_a_rolled_back_model_again_does_not_make_it_champion(serving):
    serving.push("7")
    serving.push("8", graph="bad")
    rollback(serving)

    again = serving.push("9", graph="bad")

    assert (champion(serving), again.aliases) == ("7", (CANDIDATE,))
    assert serving.registry.moves()[0].reason == (
        "blessed; the same files as version 8, which was rolled back"
    )


def test_a_model_that_was_promoted_again_after_its_rollback_is_as_good_as_any(serving):
    serving.push("7")
    serving.push("8", graph="good after all")
    rollback(serving)
    promote(serving, "8")
    serving.push("9")

    serving.push("10", graph="good after all")

    assert champion(serving) == "8"


# The same model again


def test_the_champion_pushed_again_is_no_version_and_nothing_moves(serving):
    serving.push("7", graph="a")
    before = serving.registry.moves()

    given = serving.given("8", graph="a", run_id="r2")

    assert (given.version.number, given.is_new, given.moved) == ("7", False, False)
    assert [version.number for version in serving.registry.versions()] == ["7"]
    assert serving.registry.moves() == before


@pytest.mark.parametrize(("promote_", "place"), [(True, CHAMPION), (False, CANDIDATE)])
def test_an_older_version_pushed_again_is_what_a_new_one_would_be(
    serving, promote_, place
):
    serving.push("7", graph="a")
    serving.push("8", graph="b")

    given = serving.given("9", promote=promote_, graph="a", run_id="r3")
    again = serving.given("10", promote=promote_, graph="a", run_id="r4")

    assert (given.version.number, given.is_new, given.moved) == ("7", False, True)
    assert given.version.aliases == (place,)
    assert (again.is_new, again.moved) == (False, False)
    assert [version.number for version in serving.registry.versions()] == ["8", "7"]
    assert serving.registry.moves()[0].reason == (
        "blessed; the same files as version 7"
    )


def test_a_person_who_overrides_gets_a_version_of_the_record_s_own(serving):
    serving.push("7", graph="a")

    serving.registry.push(
        lambda: str(serving.folder / "8"),
        serving.registry.version("7").origin,
        serving.write("8", graph="a"),
        "the model of 7",
        promote=True,
        override=Override(by="ann", reason="now"),
    )

    assert champion(serving) == "8"


def test_what_a_killed_push_left_is_not_taken_for_a_version(serving):
    serving.push("7", graph="a")
    serving.write("8", graph="b")

    given = serving.given("9", graph="b")

    assert (given.version.number, given.is_new) == ("9", True)


def test_a_damaged_version_is_not_taken_for_the_model(serving):
    serving.push("7", graph="a")
    (serving.folder / "7" / "saved_model.pb").write_text("other")

    assert serving.given("8", graph="a").is_new


def copies(serving, graph: str, *numbers: str) -> None:
    """Versions of one model, as they were pushed before that was noticed."""
    for number in numbers:
        digest = serving.write(number, graph=graph)
        serving.registry.push(
            lambda number=number: str(serving.folder / number),
            Origin(run_id=""),
            digest,
            "",
            promote=True,
        )


def test_a_roll_back_leads_past_copies_to_another_model(serving):
    copies(serving, "good", "5", "6")
    copies(serving, "bad", "7", "8", "9")

    rollback(serving)

    assert champion(serving) == "6"


def test_a_roll_back_with_nothing_but_copies_before_says_so(serving):
    copies(serving, "a", "7", "8")

    with pytest.raises(UsageError, match="before version 8 hold the same model"):
        rollback(serving)


def test_rolling_back_to_a_version_that_never_served_is_refused(serving):
    serving.push("7")
    serving.push("8", promote=False)

    with pytest.raises(UsageError, match="version 8 was never champion"):
        rollback(serving, "8")


def test_a_damaged_version_cannot_be_promoted_and_the_champion_stays(serving):
    serving.push("7")
    serving.push("8", promote=False)
    (serving.folder / "8" / "saved_model.pb").write_text("grapf 8")

    with pytest.raises(UsageError, match=r"version 8 cannot serve: .*saved_model\.pb"):
        promote(serving, "8")

    assert champion(serving) == "7"


def test_damage_between_the_plan_and_the_move_is_found_too(serving):
    serving.push("7")
    serving.push("8", promote=False)
    plan = decisions.promotion(serving.registry, "8", "ann", "better")
    (serving.folder / "8" / "saved_model.pb").unlink()

    with pytest.raises(UsageError, match="version 8 cannot serve"):
        serving.registry.carry_out(plan)

    assert champion(serving) == "7"
    assert len(serving.registry.moves()) == 2


def test_a_damaged_champion_does_not_keep_the_next_one_out(serving):
    serving.push("7")
    (serving.folder / "7" / "saved_model.pb").unlink()

    serving.push("8")

    assert champion(serving) == "8"


def test_a_champion_whose_folder_is_gone_is_shown_as_such(serving):
    serving.push("7")
    (serving.folder / "7").rename(serving.folder / "gone")

    [version] = serving.registry.versions()

    assert version.aliases == (CHAMPION,)
    assert version.problem == f"{serving.folder / '7'} is missing"


def test_a_push_that_is_not_whole_leaves_no_folder(serving):
    serving.push("7")
    digest = serving.write("8")
    (serving.folder / "8" / "saved_model.pb").unlink()

    with pytest.raises(UsageError, match="version 8 cannot serve"):
        serving.registry.push(
            lambda: str(serving.folder / "8"),
            serving.registry.version("7").origin,
            digest,
            "another model",
            promote=True,
        )

    assert [version.number for version in serving.registry.versions()] == ["7"]


def test_versions_from_before_there_was_a_pointer_are_known_and_can_serve(serving):
    serving.write("7")
    before = champion(serving)

    promote(serving, "7")

    assert (before, champion(serving)) == ("", "7")


# Crashes, of a process of its own

PROMOTE = """
import sys
from pipeline import files
from pipeline.registry import decisions, journal
from pipeline.registry.local import LocalRegistry

registry = LocalRegistry(sys.argv[1], "taxi")
plan = decisions.promotion(registry, sys.argv[2], "ann", "better")
"""
KILLED = """
import os, signal
real = {module}.{step}
def die(*arguments, **named):
    if {after}:
        real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
{module}.{step} = die
registry.carry_out(plan)
"""


def start(repository, script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_at(repository, serving, step: str, number: str, after: bool = False) -> None:
    """Promotes in a process that dies by SIGKILL before that step, or after it."""
    module, _, name = step.rpartition(".")
    script = PROMOTE + KILLED.format(module=module, step=name, after=after)
    process = start(repository, script, serving.folder, number)
    assert process.wait(60) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("where", "after", "served", "moves"),
    [
        ("journal.append", False, "7", [True]),
        ("files.os.replace", False, "7", [False, True]),
        ("files.os.replace", True, "8", [True, True]),
    ],
)
def test_killed_between_two_steps_the_old_champion_serves_or_the_new_one_whole(
    repository, serving, where, after, served, moves
):
    serving.push("7")
    serving.write("8")

    killed_at(repository, serving, where, "8", after)

    assert champion(serving) == served
    assert [move.finished for move in serving.registry.moves()] == moves


def test_after_a_crash_the_next_move_works_and_the_cut_off_one_never_counts(
    repository, serving
):
    serving.push("7")
    serving.write("8")
    killed_at(repository, serving, "files.os.replace", "8")

    serving.push("9")
    rollback(serving)

    assert champion(serving) == "7"
    assert [move.finished for move in serving.registry.moves()] == [
        *(True, True),
        *(False, True),
    ]


def test_half_a_line_of_a_crash_spoils_no_other(serving):
    serving.push("7")
    with (serving.folder / journal.FILE).open("a") as file:
        file.write('{"id": "half')

    serving.push("8")

    assert [move.champion for move in serving.registry.moves()] == ["8", "7"]


# Several at once

MOVED = """
print("ready", flush=True)
sys.stdin.readline()
from pipeline.errors import BusyError
try:
    print("moved", registry.carry_out(plan).champion)
except BusyError as error:
    print("busy", error)
"""


def test_of_those_who_promote_at_once_one_wins_and_the_others_are_told(
    repository, serving
):
    serving.push("7")
    for number in ("8", "9"):
        serving.write(number)
    processes = [
        start(repository, PROMOTE + MOVED, serving.folder, number) for number in "89"
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()

    answers = [process.communicate(timeout=60)[0].split() for process in processes]

    told = {words[0]: words[1:] for words in answers}
    assert set(told) == {"moved", "busy"}
    assert told["moved"] == [champion(serving)]
    assert told["busy"][:3] == ["meanwhile", "version", champion(serving)]
    assert len(serving.registry.moves()) == 2


def test_threads_that_push_at_once_are_all_kept_and_the_last_one_serves(serving):
    numbers = [str(number) for number in range(10, 20)]

    with futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(serving.push, numbers))

    moves = serving.registry.moves()
    assert sorted(move.champion for move in moves) == numbers
    assert all(move.finished for move in moves)
    assert champion(serving) == moves[0].champion


def test_whoever_reads_meanwhile_sees_a_whole_pointer(serving):
    serving.push("7")
    serving.push("8")
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(pointer.read(serving.folder, "taxi").champion)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in "7878787878":
            promote(serving, number)
    finally:
        done.set()
        reader.join()

    assert seen <= {"7", "8"}


# Whatever happens, in any order


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it is done."""


def die(*_: object, **__: object) -> None:
    raise Killed


class Moves(stateful.RuleBasedStateMachine):
    """Pushes, promotions, roll-backs and crashes, against a plain list of moves."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory()
        self.serving = Serving(Path(self.temporary.name) / "serving")
        self.number = 0
        self.served = [""]
        """The champion after each move that took effect."""

    @stateful.rule(promoted=st.booleans())
    def push(self, promoted: bool) -> None:
        self.number += 1
        self.serving.push(str(self.number), promoted)
        self.served.append(str(self.number) if promoted else self.served[-1])

    @stateful.rule(which=st.integers(1, 9))
    def promote(self, which: int) -> None:
        self._try(lambda: promote(self.serving, str(which)), str(which))

    @stateful.rule()
    def rollback(self) -> None:
        registry = self.serving.registry
        try:
            plan = decisions.rollback(registry, None, "bob", "complaints")
        except UsageError:
            return
        registry.carry_out(plan)
        assert plan.champion in self.served
        self.served.append(plan.champion)

    @stateful.rule(
        step=st.sampled_from([(local.journal, "append"), (files.os, "replace")]),
        pushed=st.booleans(),
    )
    def crash(self, step, pushed: bool) -> None:
        self.number += 1
        number = str(self.number)
        with (
            mock.patch.object(*step, die),
            mock.patch.object(local.shutil, "rmtree"),
            contextlib.suppress(Killed),
        ):
            if pushed:
                self.serving.push(number)
            else:
                self.serving.write(number)
                promote(self.serving, number)

    @stateful.rule(which=st.integers(1, 9))
    def damage(self, which: int) -> None:
        file = self.serving.folder / str(which) / "saved_model.pb"
        if str(which) != self.served[-1]:
            file.unlink(missing_ok=True)

    @stateful.invariant()
    def the_last_finished_move_serves_and_it_is_whole(self) -> None:
        registry = self.serving.registry
        finished = [move for move in registry.moves() if move.finished]
        served = pointer.read(self.serving.folder, "taxi").champion

        assert served == self.served[-1]
        assert [m.champion for m in reversed(finished)] == self.served[1:]
        if served:
            assert registry.version(served).problem == ""

    def _try(self, work, number: str) -> None:
        with contextlib.suppress(UsageError):
            work()
            self.served.append(number)

    def teardown(self) -> None:
        self.temporary.cleanup()


TestMoves = Moves.TestCase
TestMoves.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, derandomize=True
)
