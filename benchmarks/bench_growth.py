"""A store of 10, 1,000 and 10,000 runs: what a node's start and an answer cost."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml_metadata import metadata_store
from rich.console import Console
from rich.table import Table
from tfx.orchestration.portable.mlmd import execution_lib

from benchmarks import machine, process
from pipeline.metadata import recent_executions
from tests import histories
from tests.histories import Spec

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent
RUNS = (10, 1_000, 10_000)
STAYS = 10**6
"""Number of the file that every run reads."""
_TIMES = 3


def main() -> int:
    """Measures, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=RUNS)
    parser.add_argument("--json", type=Path, default=RESULTS / "growth.json")
    arguments = parser.parse_args()

    points = []
    for runs in arguments.runs:
        with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
            points.append(_measured(Path(name), runs))
        print(points[-1], flush=True)  # noqa: T201 (progress)
    result = {
        "command": "make bench-growth",
        "machine": machine.describe(),
        "points": points,
    }
    arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    Console().print(_table(points))
    return 0


def _measured(folder: Path, runs: int) -> dict[str, Any]:
    file = folder / "metadata.sqlite"
    store = histories.open_store(str(file))
    # One file stays, the other changes every tenth run; the rest hits the cache.
    specs = [Spec(files=(n // 10, STAYS)) for n in range(runs)]
    run = histories.write(store, specs)[-1]
    contexts = [
        store.get_context_by_type_and_name(*each)
        for each in (
            ("pipeline", "trips"),
            ("pipeline_run", run),
            ("node", "trips.Trainer"),
        )
    ]
    return {
        "runs": runs,
        "start, TFX": _of_start(store, contexts),
        "start, Millrace": _of_start(store, contexts, ours=True),
        "trace": _of_answer(folder, file, "trace", run),
        "impact": _of_answer(folder, file, "impact", "file-0.csv"),
        "of a file in all": _of_answer(folder, file, "impact", f"file-{STAYS}.csv"),
        "list of runs": _of_answer(folder, file, "runs"),
        "a whole run": _of_run(folder),
    }


def _of_run(folder: Path) -> float:
    """Seconds of a run of the penguins on top of that history, nothing cached."""
    words = ["local_runner.py", "run", "--config", "configs/penguins/penguins.yaml"]
    words += ["--set", "pipeline_name=trips", "--set", f"output_root={folder}"]
    return process.run(words, ROOT, folder / "log").seconds


def _of_start(
    store: metadata_store.MetadataStore, contexts: list[Any], ours: bool = False
) -> float:
    """Seconds of what a node's start asks of its contexts, the median of some."""
    handle = types.SimpleNamespace(store=store)

    def ask() -> None:
        execution_lib.get_executions_associated_with_all_contexts(handle, contexts)

    if not ours:
        return _median(ask)
    with recent_executions.read_first():
        return _median(ask)


def _of_answer(folder: Path, file: Path, *question: str) -> float:
    """Seconds of the command, from its start to its end."""
    words = ["-m", "pipeline.lineage", *question]
    words += ["--store", str(file), "--pipeline", "trips", "--output", "json"]
    return statistics.median(
        process.run(words, ROOT, folder / "log").seconds for _ in range(_TIMES)
    )


def _median(ask: Callable[[], None]) -> float:
    seconds = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _table(points: list[dict[str, Any]]) -> Table:
    table = Table(box=None)
    for name in points[0]:
        table.add_column(name, justify="right")
    for point in points:
        shown = [
            f"{v:,}" if isinstance(v, int) else f"{v:.3f} s" for v in point.values()
        ]
        table.add_row(*shown)
    return table


if __name__ == "__main__":
    raise SystemExit(main())
