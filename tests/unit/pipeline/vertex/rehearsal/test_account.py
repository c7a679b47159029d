"""What a rehearsal shows."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from pipeline.vertex.rehearsal import account
from pipeline.vertex.rehearsal.outputs import Artifact
from pipeline.vertex.rehearsal.task import Task

FOLDER = Path("/out/artifacts/1/taxi-2")


def artifact(uri: str, **metadata) -> Artifact:
    return Artifact(uri, "tfx.Model", f"/out/artifacts/1/{uri}", metadata)


def shown(*tasks: Task) -> list[str]:
    return [Text.from_markup(line).plain for line in account.of(tasks, FOLDER)]


def test_paths_start_at_the_runs_folder_and_rows_stand_beside_what_was_written():
    examples = [artifact("taxi-2/ExampleGen_0/examples", rows_written=15002.0)]
    gen = Task("ExampleGen", "SUCCEEDED", 1, outputs={"examples": examples}, ended=1.0)
    trainer = Task(
        "Trainer",
        "FAILED",
        2,
        inputs={
            "examples": examples,
            "base_model": [artifact("taxi-1/Trainer_0/model")],
            "schema": [],
        },
        ended=2.0,
    )

    assert shown(trainer, gen) == [
        "in /out/artifacts/1/taxi-2",
        "ExampleGen succeeded",
        "  wrote ExampleGen_0/examples (15,002 rows)",
        "Trainer failed at try 2",
        "  read  ExampleGen_0/examples",
        "  read  ../taxi-1/Trainer_0/model",
        "  read  no schema",
    ]


def test_a_resolver_that_found_nothing_says_so_and_what_never_ran_comes_last():
    resolver = Task("Baseline[1]", "SUCCEEDED", outputs={"model": []}, ended=5.0)

    assert shown(Task("Trainer", "SKIPPED"), resolver)[1:] == [
        "Baseline[1] succeeded",
        "  wrote no model",
        "Trainer skipped",
    ]
