"""What a rehearsal shows."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from pipeline.runners.rehearsal import table
from pipeline.runners.rehearsal.task import Task

FOLDER = Path("/out/artifacts/1/taxi-2")


def artifact(uri: str, **metadata) -> dict:
    return {"uri": f"/out/artifacts/1/{uri}", "metadata": metadata}


def shown(*tasks: Task) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    console.print(table.of(tasks, FOLDER))
    lines = console.file.getvalue().splitlines()
    return [" ".join(line.split()) for line in lines]


def test_paths_start_at_the_runs_folder_and_rows_stand_beside_them():
    examples = [artifact("taxi-2/ExampleGen_0/examples", rows_written=15002.0)]
    gen = Task("ExampleGen", "SUCCEEDED", 1, outputs={"examples": examples})
    trainer = Task(
        "Trainer",
        "FAILED",
        2,
        inputs={
            "examples": examples,
            "base_model": [artifact("taxi-1/Trainer_0/model")],
            "schema": [],
        },
    )

    assert shown(gen, trainer) == [
        "in /out/artifacts/1/taxi-2",
        "task state tries read wrote",
        "ExampleGen succeeded 1 ExampleGen_0/examples (15,002 rows)",
        "Trainer failed 2 ExampleGen_0/examples",
        "../taxi-1/Trainer_0/model",
        "no schema",
    ]


def test_a_resolver_that_found_nothing_says_so():
    resolver = Task("BaselineResolver", "SUCCEEDED", outputs={"model": []})

    assert shown(resolver)[2:] == ["BaselineResolver succeeded no model"]
