"""Stock TFX and Millrace in turns, on the same work: cold, edited, unchanged, large."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import generate, machine, process
from pipeline.config import config
from pipeline.data import preflight

RESULTS = Path(__file__).parent / "results"
LARGE_ROWS = 300_040

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

# Ratio to stock that issue 3 asks for.
TARGETS = {
    "ingestion alone, large": 0.05,
    "whole run, cold": 0.5,
    "whole run, cold, large": 0.33,
    "after an edit in trainer/": 0.5,
    "nothing changed": 0.15,
    "peak memory, large": 1.0,
}

Turn = dict[str, float]
"""What was measured -> seconds, or MB for `peak`."""


class Contender:
    """One of the two, with a folder of its own for one turn."""

    def __init__(self, data: Path, work: Path, steps: int) -> None:
        work.mkdir(parents=True)
        self.data = data
        self.work = work
        self.steps = steps
        self.count = 0

    def _run(self, arguments: list[str], cwd: Path) -> process.Used:
        self.count += 1
        return process.run(arguments, cwd, self.work / f"{self.count}.log")


class Stock(Contender):
    """benchmarks.stock, the taxi template's graph."""

    def run(self, edit: str = "") -> tuple[process.Used, Turn]:
        """One run; what earlier ones of the turn left is its cache."""
        report = self.work / "report.json"
        used = self._run(
            [
                *("-m", "benchmarks.stock", "--data", str(self.data)),
                *("--work", str(self.work / "out"), "--edit", edit),
                *("--steps", str(self.steps), "--json", str(report)),
            ],
            config.ROOT,
        )
        found = json.loads(report.read_text(encoding="utf-8"))
        if not found["pushed"]:
            raise SystemExit("stock TFX pushed nothing: it did less work than Millrace")
        took = {node["id"]: node["seconds"] for node in found["nodes"]}
        nodes = {
            node: sum(took.pop(name) for name in names) for node, names in NODES.items()
        }
        if took:
            raise SystemExit(f"stock nodes compared to nothing: {sorted(took)}")
        return used, nodes

    def edit(self) -> process.Used:
        """Runs as after an edit of the trainer."""
        return self.run("edited")[0]


class Millrace(Contender):
    """local_runner.py of a copy of the tracked files, that may be edited."""

    def __init__(self, data: Path, work: Path, steps: int) -> None:
        super().__init__(data, work, steps)
        self.clone = work / "clone"
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=config.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (config.ROOT / name).is_file():
                (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(config.ROOT / name, self.clone / name)

    def run(self) -> tuple[process.Used, Turn]:
        """One run; nodes of a run that found nothing to do are the last run's."""
        used = self._run(
            [
                *("local_runner.py", "run", "--set", f"data.path={self.data}"),
                *("--set", f"output_root={self.work / 'out'}"),
                *("--set", f"training.train_steps={self.steps}"),
            ],
            self.clone,
        )
        newest = sorted((self.work / "out").glob("runs/*/summary.json"))[-1]
        found = json.loads(newest.read_text(encoding="utf-8"))
        return used, {node["id"]: node["seconds"] for node in found["nodes"]}

    def edit(self) -> process.Used:
        """Runs after an edit of trainer/fit.py."""
        with (self.clone / "trainer" / "fit.py").open("a", encoding="utf-8") as file:
            file.write("\nEDITED = True\n")
        return self.run()[0]


def small_turn(contender: Stock | Millrace) -> Turn:
    """Cold, then after an edit, then with nothing changed."""
    used, nodes = contender.run()
    turn = {**nodes, REST: used.seconds - sum(nodes.values()), "total": used.seconds}
    turn["edited"] = contender.edit().seconds
    if isinstance(contender, Stock):
        turn["unchanged"] = contender.run("edited")[0].seconds
    else:
        turn["unchanged"] = contender.run()[0].seconds
    return turn


def large_turn(contender: Stock | Millrace) -> Turn:
    """Cold."""
    used, nodes = contender.run()
    rest = used.seconds - sum(nodes.values())
    return {**nodes, REST: rest, "total": used.seconds, "peak": used.peak_mb}


def main() -> int:
    """Measures, prints the tables, writes the JSON."""
    arguments = _arguments()
    data = config.load((), (), platform="local").config.data
    [taxi] = preflight.check(data)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        folder = Path(name)
        large = folder / "large"
        generate.generate(LARGE_ROWS, large)
        result = {
            "command": "make bench",
            "machine": machine.describe(),
            "train_steps": arguments.steps,
            "small": _measured(
                small_turn, taxi.parent, folder / "s", arguments, arguments.repeat
            ),
            "large": _measured(
                large_turn, large, folder / "l", arguments, arguments.repeat_large
            ),
        }
    result["ratios"] = _ratios(result)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for size in ("small", "large"):
        console.print(_node_table(result[size], arguments.steps))
        console.print()
    console.print(_ratio_table(result["ratios"]))
    console.print(f"written to {arguments.json}", highlight=False)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300, help="training steps")
    parser.add_argument("--repeat", type=int, default=3, help="turns, 15,002 rows")
    parser.add_argument("--repeat-large", type=int, default=2, help="turns, 300,040")
    parser.add_argument("--json", type=Path, default=RESULTS / "pipeline.json")
    return parser.parse_args()


def _measured(
    turn: Callable[[Stock | Millrace], Turn],
    data: Path,
    folder: Path,
    arguments: argparse.Namespace,
    repeat: int,
) -> dict[str, Any]:
    turns: dict[str, list[Turn]] = {"stock": [], "millrace": []}
    for number in range(repeat):
        for name, contender in (("stock", Stock), ("millrace", Millrace)):
            work = folder / f"{name}-{number}"
            turns[name].append(turn(contender(data, work, arguments.steps)))
            print(  # noqa: T201 (progress)
                f"turn {number + 1}: {name}: "
                + ", ".join(
                    f"{key} {turns[name][-1][key]:.1f}"
                    for key in ("total", "edited", "unchanged", "peak")
                    if key in turns[name][-1]
                ),
                flush=True,
            )
            shutil.rmtree(work)
    files = sorted(data.glob("*.csv"))
    return {
        "rows": sum(len(file.read_bytes().splitlines()) - 1 for file in files),
        "bytes": sum(file.stat().st_size for file in files),
        "turns": turns,
        "medians": {name: _medians(found) for name, found in turns.items()},
    }


def _medians(turns: list[Turn]) -> Turn:
    return {
        key: round(statistics.median(turn[key] for turn in turns), 3)
        for key in turns[0]
    }


def _ratios(result: dict[str, Any]) -> dict[str, Any]:
    small, large = result["small"]["medians"], result["large"]["medians"]
    pairs = {
        "ingestion alone, large": (large, "ExampleGen"),
        "whole run, cold": (small, "total"),
        "whole run, cold, large": (large, "total"),
        "after an edit in trainer/": (small, "edited"),
        "nothing changed": (small, "unchanged"),
        "peak memory, large": (large, "peak"),
    }
    return {
        work: {
            "stock": medians["stock"][key],
            "millrace": medians["millrace"][key],
            "ratio": round(medians["millrace"][key] / medians["stock"][key], 3),
            "target": TARGETS[work],
        }
        for work, (medians, key) in pairs.items()
    }


def _ratio_table(ratios: dict[str, Any]) -> Table:
    table = Table(title="ratio to stock TFX", title_justify="left", box=None)
    table.add_column("work")
    for column in ("stock", "millrace", "ratio", "at most"):
        table.add_column(column, justify="right")
    for work, found in ratios.items():
        unit = "MB" if work.startswith("peak") else "s"
        table.add_row(
            work,
            f"{found['stock']:,.1f} {unit}",
            f"{found['millrace']:,.1f} {unit}",
            f"{found['ratio']:.3f}",
            f"{found['target']:g}",
        )
    return table


def _node_table(found: dict[str, Any], steps: int) -> Table:
    stock, ours = found["medians"]["stock"], found["medians"]["millrace"]
    table = Table(
        title=f"cold, {found['rows']:,} rows, {found['bytes'] / 1e6:.1f} MB, "
        f"{steps} training steps, medians of {len(found['turns']['stock'])}",
        title_justify="left",
        box=None,
    )
    table.add_column("node")
    for column in ("stock s", "millrace s", "ratio", "rows/s", "MB/s"):
        table.add_column(column, justify="right")
    for node in (*NODES, REST, "total"):
        reads_all = node in ("ExampleGen", "StatisticsGen", "Transform", "total")
        table.add_row(
            node,
            f"{stock[node]:.1f}",
            f"{ours[node]:.1f}",
            f"{ours[node] / stock[node]:.2f}" if stock[node] >= 0.1 else "",
            f"{found['rows'] / ours[node]:,.0f}" if reads_all else "",
            f"{found['bytes'] / ours[node] / 1e6:.1f}" if reads_all else "",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
