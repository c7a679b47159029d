"""What a terminal shows of a run."""

from __future__ import annotations

import io

from rich.console import Console

from pipeline.local import terminal as progress
from pipeline.runs.node_run import NodeRun
from pipeline.runs.not_numbers import NotNumbers
from pipeline.runs.summary import RunSummary


def shown(before) -> list[list[str]]:
    nodes = [
        NodeRun("Trainer", state="done", seconds=10.04),
        NodeRun("Pusher", state="cached"),
    ]
    terminal = Console(file=io.StringIO(), width=100)
    terminal.print(progress.node_table(nodes, before))
    return [line.split() for line in terminal.file.getvalue().splitlines()]


def test_seconds_stand_beside_those_of_the_last_time():
    header, trainer, pusher = shown({"Trainer": 20.0})

    assert header == ["node", "state", "seconds", "before", "rows", "saved"]
    assert trainer == ["Trainer", "done", "10.0", "20.0"]
    assert pusher == ["Pusher", "cached"]


def test_the_first_run_has_nothing_to_compare_with():
    header, trainer, _ = shown({})

    assert header == ["node", "state", "seconds", "rows", "saved"]
    assert trainer == ["Trainer", "done", "10.0"]


def test_a_node_that_never_ran_has_read_no_rows():
    waiting = NodeRun("Trainer", rows=11_872)
    done = NodeRun("Transform", state="done", rows=11_872)

    assert waiting.to_dict()["rows"] is None
    assert done.to_dict()["rows"] == 11_872


def test_runs_and_outcomes_are_whole_in_a_narrow_place():
    terminal = Console(file=io.StringIO(), width=80)
    run = RunSummary(
        run_id="20261125-195716-1ca1",
        pipeline="a-pipeline-with-a-name-of-forty-characters",
        outcome="DATA_REFUSED",
        node="SchemaValidator",
        pushed="/somewhere/long/out/serving/chicago-taxi/1795637374",
    )

    terminal.print(progress.runs_table([run]))

    text = terminal.file.getvalue()
    assert "20261125-195716-1ca1" in text
    assert "DATA_REFUSED" in text
    assert "/somewhere" not in text


def test_what_was_taken_as_missing_is_said():
    odd = NotNumbers(split="train", column="fare", nan=3, infinite=0)
    run = RunSummary(run_id="r", outcome="SUCCEEDED", not_numbers=(odd,))

    assert ("as missing", "fare in train: 3 NaN") in list(progress._facts(run))
