"""Millrace alone on more and more rows: seconds and peak memory, as JSON and a plot."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import generate, machine
from benchmarks.bench_pipeline import Millrace, large_turn

RESULTS = Path(__file__).parent / "results"
ROWS = (300_000, 1_000_000, 3_000_000)


def main() -> int:
    """Measures, prints the table, writes the JSON and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--steps", type=int, default=300, help="training steps")
    parser.add_argument("--json", type=Path, default=RESULTS / "scale.json")
    arguments = parser.parse_args()

    points = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        for rows in arguments.rows:
            data, work = Path(name, f"data-{rows}"), Path(name, f"work-{rows}")
            generate.generate(rows, data)
            turn = large_turn(Millrace(data, work, arguments.steps))
            points.append({"rows": rows, **{k: round(v, 2) for k, v in turn.items()}})
            shutil.rmtree(data)
            shutil.rmtree(work)
            print(points[-1], flush=True)  # noqa: T201 (progress)

    result = {
        "command": "make bench-scale",
        "machine": machine.describe(),
        "train_steps": arguments.steps,
        "points": points,
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    arguments.json.with_suffix(".svg").write_text(_plot(points), encoding="utf-8")
    Console().print(_table(points))
    return 0


def _table(points: list[dict[str, Any]]) -> Table:
    table = Table(box=None)
    columns = [name for name in points[0] if name != "peak"]
    for column in (*columns, "peak MB", "rows/s"):
        table.add_column(column, justify="right")
    for point in points:
        table.add_row(
            f"{point['rows']:,}",
            *(f"{point[column]:.1f}" for column in columns[1:]),
            f"{point['peak']:,.0f}",
            f"{point['rows'] / point['total']:,.0f}",
        )
    return table


def _plot(points: list[dict[str, Any]]) -> str:
    """Seconds over rows, and linear growth from the first point for comparison."""
    width, height, left, bottom = 480, 300, 60, 40
    most_rows = points[-1]["rows"]
    linear = points[0]["total"] / points[0]["rows"] * most_rows
    most_s = max(linear, *(point["total"] for point in points))

    def at(rows: float, seconds: float) -> str:
        x = left + rows / most_rows * (width - left - 20)
        y = height - bottom - seconds / most_s * (height - bottom - 20)
        return f"{x:.0f},{y:.0f}"

    curve = " ".join(at(point["rows"], point["total"]) for point in points)
    dots = "".join(
        f'<circle cx="{xy[0]}" cy="{xy[1]}" r="4"/>'
        f'<text x="{xy[0]}" y="{int(xy[1]) - 10}" text-anchor="middle">'
        f"{point['rows'] / 1e6:g} M: {point['total']:.0f} s, "
        f"{point['peak'] / 1024:.1f} GiB</text>"
        for point in points
        for xy in [at(point["rows"], point["total"]).split(",")]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 60}" '
        f'height="{height}" font-family="sans-serif" font-size="11">'
        f'<polyline points="{at(0, 0)} {at(most_rows, linear)}" fill="none" '
        'stroke="#bbb" stroke-dasharray="4"/>'
        f'<polyline points="{curve}" fill="none" stroke="#06c" stroke-width="2"/>'
        f"{dots}"
        f'<text x="{left}" y="{height - 12}">rows; dashed: linear from the first '
        "point</text></svg>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
