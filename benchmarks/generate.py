"""More taxi trips than there are: drawn from the real ones, with jitter.

    python -m benchmarks.generate --rows 1000000 --output FOLDER

Money, miles, seconds and places vary a little, so that quantiles and vocabularies stay
sensible and no two rows need be equal; the rest is as drawn. Seeded.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config import config
from pipeline.data import preflight

ROWS_A_FILE = 250_000
SCALED = ("fare", "tips", "trip_miles", "trip_seconds")
MOVED = (
    "pickup_latitude",
    "pickup_longitude",
    "dropoff_latitude",
    "dropoff_longitude",
)


def generate(rows: int, folder: Path, seed: int = 1) -> None:
    """Writes CSV files of at most 250,000 rows into the folder."""
    data = config.load((), (), platform="local").config.data
    [source] = preflight.check(data)
    real = pd.read_csv(source)
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, rows, ROWS_A_FILE)):
        count = min(ROWS_A_FILE, rows - start)
        drawn = _jittered(real.iloc[random.integers(len(real), size=count)], random)
        drawn.to_csv(folder / f"trips-{number:03d}.csv", index=False)


def _jittered(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    rows = rows.copy()
    # One factor for fare and tip: the label keeps its meaning.
    factor = np.exp(random.normal(0, 0.05, len(rows)))
    for name in SCALED:
        rows[name] = (rows[name] * factor).round(2)
    rows["trip_seconds"] = rows["trip_seconds"].round()
    for name in MOVED:
        rows[name] = (rows[name] + random.normal(0, 1e-3, len(rows))).round(6)
    whole = [name for name in rows.select_dtypes("float") if name not in SCALED + MOVED]
    return rows.astype(dict.fromkeys([*whole, "trip_seconds"], "Int64"))


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generate(arguments.rows, arguments.output, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
