"""The whole pipeline, cold: stock TFX and Millrace in turns, on the same work."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import machine
from pipeline import config as config_lib
from pipeline import preflight

RESULTS = Path(__file__).parent / "results"

# Millrace's node -> the stock nodes that do the same work.
NODES = {
    "ExampleGen": ("CsvExampleGen",),
    "StatisticsGen": ("StatisticsGen",),
    "SchemaValidator": ("SchemaGen", "ExampleValidator"),
    "Transform": ("Transform",),
    "Trainer": ("Trainer",),
    "BaselineResolver": ("latest_blessed_model_resolver",),
    "Evaluator": ("Evaluator",),
    "Pusher": ("Pusher",),
    "Notifier": (),
}
# What is not a node: interpreter, imports, compiling, reading MLMD.
REST = "start and end"

Seconds = dict[str, float]


def main() -> int:
    """Measures, prints the table, writes the JSON."""
    arguments = _arguments()
    config = config_lib.load((), (), platform="local").config
    files = preflight.check(arguments.data or config.data.path)
    console = Console()

    stock: list[Seconds] = []
    millrace: list[Seconds] = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        for turn in range(arguments.repeat):
            for name, measure, times in (
                ("stock", _stock, stock),
                ("millrace", _millrace, millrace),
            ):
                work = Path(folder, f"{name}-{turn}")
                times.append(measure(files[0].parent, work, arguments.steps))
                total = sum(times[-1].values())
                console.print(f"turn {turn + 1}: {name:<9}{total:7.1f} s")

    result = {
        "command": "make bench",
        "machine": machine.describe(),
        "work": {
            **_size(files),
            "train_steps": arguments.steps,
            "turns": arguments.repeat,
        },
        "nodes": _compared(stock, millrace),
        "turns": {"stock": stock, "millrace": millrace},
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    console.print(_table(result))
    console.print(f"written to {arguments.json}", highlight=False)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder with CSV; default: the taxi trips")
    parser.add_argument("--steps", type=int, default=300, help="training steps")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each")
    parser.add_argument("--json", type=Path, default=RESULTS / "pipeline.json")
    return parser.parse_args()


def _stock(data: Path, work: Path, steps: int) -> Seconds:
    report = work.with_suffix(".json")
    total = _timed(
        [
            *("-m", "benchmarks.stock", "--data", str(data), "--work", str(work)),
            *("--steps", str(steps), "--json", str(report)),
        ],
        work.with_suffix(".log"),
    )
    found = json.loads(report.read_text(encoding="utf-8"))
    if not found["pushed"]:
        raise SystemExit("stock TFX pushed nothing: it did less work than Millrace")
    took = {node["id"]: node["seconds"] for node in found["nodes"]}
    nodes = {
        node: sum(took.pop(name) for name in names) for node, names in NODES.items()
    }
    if took:
        raise SystemExit(f"stock nodes that are compared to nothing: {sorted(took)}")
    return nodes | {REST: total - sum(nodes.values())}


def _millrace(data: Path, work: Path, steps: int) -> Seconds:
    total = _timed(
        [
            *("local_runner.py", "run", "--set", f"data.path={data}"),
            *("--set", f"output_root={work}"),
            *("--set", f"training.train_steps={steps}"),
        ],
        work.with_suffix(".log"),
    )
    [summary] = work.glob("runs/*/summary.json")
    found = json.loads(summary.read_text(encoding="utf-8"))
    nodes = {node["id"]: node["seconds"] for node in found["nodes"]}
    return nodes | {REST: total - sum(nodes.values())}


def _timed(command: list[str], log: Path) -> float:
    """Seconds of wall clock of a Python process from its start to its end."""
    started = time.monotonic()
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=config_lib.ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TF_USE_LEGACY_KERAS": "0"},
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise SystemExit(f"{tail}\n{' '.join(command)} ended with {done.returncode}")
    return time.monotonic() - started


def _size(files: list[Path]) -> dict[str, int]:
    rows = sum(len(file.read_bytes().splitlines()) - 1 for file in files)
    return {"rows": rows, "bytes": sum(file.stat().st_size for file in files)}


def _compared(stock: list[Seconds], millrace: list[Seconds]) -> dict[str, Any]:
    """Medians and their ratio; the total is the median of totals."""
    compared = {}
    for node in (*NODES, REST, "total"):
        theirs, ours = (
            statistics.median(
                sum(turn.values()) if node == "total" else turn[node] for turn in turns
            )
            for turns in (stock, millrace)
        )
        compared[node] = {
            "stock_s": round(theirs, 2),
            "millrace_s": round(ours, 2),
            "ratio": round(ours / theirs, 3) if theirs >= 0.1 else None,
        }
    return compared


def _table(result: dict[str, Any]) -> Table:
    work = result["work"]
    table = Table(
        title=f"{work['rows']:,} rows, {work['bytes'] / 1e6:.1f} MB, "
        f"{work['train_steps']} training steps, medians of {work['turns']}",
        title_justify="left",
        box=None,
    )
    table.add_column("node")
    for column in ("stock s", "millrace s", "ratio", "rows/s", "MB/s"):
        table.add_column(column, justify="right")
    for node, found in result["nodes"].items():
        ours = found["millrace_s"]
        reads_all = node in ("ExampleGen", "StatisticsGen", "Transform", "total")
        table.add_row(
            node,
            f"{found['stock_s']:.1f}",
            f"{ours:.1f}",
            "" if found["ratio"] is None else f"{found['ratio']:.2f}",
            f"{work['rows'] / ours:,.0f}" if reads_all else "",
            f"{work['bytes'] / ours / 1e6:.2f}" if reads_all else "",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
