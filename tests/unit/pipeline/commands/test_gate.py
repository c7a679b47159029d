"""`gate override`, as a person types it: whoever may not is told why, and how else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from pipeline.commands import console, gate
from pipeline.runs import folder
from tests.unit.pipeline.local import refusals
from tests.unit.pipeline.local.refusals import RUN

WHO = ("--by", "ada", "--reason", "the slice is three rows")


@pytest.fixture
def root(tmp_path) -> refusals.Root:
    """A run that ended NOT_BLESSED, and no more than its summary."""
    made = refusals.Root(tmp_path / "output")
    run = made.folder / "runs" / RUN
    run.mkdir(parents=True)
    facts = {"run_id": RUN, "pipeline": "trips", "outcome": "NOT_BLESSED"}
    (run / "summary.json").write_text(json.dumps(facts))
    return made


def command(root, *words: str) -> list[str]:
    sets = (f"output_root={root.folder}", "pipeline_name=trips")
    options = [word for value in sets for word in ("--set", value)]
    return ["local_runner.py", "gate", "override", *words, *options]


def typed(root, *words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as a person does."""
    return subprocess.run(
        [sys.executable, *command(root, *words)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def told(root, capsys, monkeypatch):
    """The same in this process, for a mistake; what is on stderr."""

    def told(*words: str) -> str:
        app = typer.Typer()
        app.add_typer(gate.gate_app(gate.override), name="gate")
        monkeypatch.setattr(sys, "argv", command(root, *words))
        assert console.run(app) == 2
        return capsys.readouterr().err

    return told


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"outcome": "SUCCEEDED"}, "ended SUCCEEDED, and only a run that ended NOT_"),
        ({"outcome": "FAILED"}, "ended FAILED, and only a run that ended NOT_BLESSED"),
        ({"overridden": "by bob on Monday: I may"}, "already by bob on Monday: I may"),
    ],
    ids=["blessed", "failed", "twice"],
)
def test_a_run_that_is_not_to_be_overridden_is_told(root, told, facts, said):
    root.mend(**facts)

    assert said in told(RUN, *WHO, "--yes")


def test_a_run_that_does_not_exist_is_told_with_exit_2(root):
    done = typed(root, "nobody", *WHO)

    assert done.returncode == 2
    assert "there is no run nobody" in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--reason", "  ", "--reason is empty, and it is what stays on record"),
        ("--by", "", "--by is empty"),
        ("--reason", "fine\nverdict BLESSED", r"--reason holds '\n'; write it on one"),
        ("--reason", "\x1b[2Jfine", r"--reason holds '\x1b'; write it on one line"),
        ("--by", "ada\u202eymmud", r"--by holds '\u202e'; write it on one line"),
        ("--reason", "x" * 1001, "--reason has 1001 characters; at most 1000"),
    ],
)
def test_words_that_nobody_could_read_later_are_refused(told, option, value, said):
    words = {"--by": "ada", "--reason": "fine", option: value}

    assert said in told(RUN, *(word for pair in words.items() for word in pair))


@pytest.mark.parametrize("missing", ["--by", "--reason"])
def test_nobody_overrides_without_a_name_and_a_reason(told, missing):
    at = WHO.index(missing)
    words = [*WHO[:at], *WHO[at + 2 :]]

    assert f"Missing option '{missing}'" in told(RUN, *words)


def test_while_a_run_is_under_way_it_waits_for_another_time(root, told):
    with folder.locked(str(root.folder)):
        words = told(RUN, *WHO, "--yes")

    assert "is in use by process" in words
