"""What a terminal shows of a run."""

from __future__ import annotations

import io

from rich.console import Console

from pipeline.runners import progress


def shown(before) -> list[list[str]]:
    nodes = [
        progress.NodeState("Trainer", state="done", seconds=10.04),
        progress.NodeState("Pusher", state="cached"),
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
