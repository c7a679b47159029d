"""What it costs a run that its results survive a loss of power: with syncs and without.

Each run is cold, on the penguins, and a process of its own; with and without in turns.
"""

from __future__ import annotations

import argparse
import os
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ["run", "--config", "configs/penguins/penguins.yaml"]


def main() -> int:
    """Measures, and prints a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", choices=["with", "without"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return _one(arguments.one)
    for _ in range(arguments.turns):
        for one in ("with", "without"):
            command = [sys.executable, "-m", "benchmarks.bench_syncs", "--one", one]
            subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return 0


def _one(which: str) -> int:
    real, spent = os.fsync, []

    def fsync(file: int) -> None:
        started = time.perf_counter()
        if which == "with":
            real(file)
        spent.append(time.perf_counter() - started)

    os.fsync = fsync
    with tempfile.TemporaryDirectory(prefix="millrace-bench-", dir=ROOT) as output:
        sys.argv = ["local_runner.py", *RUN, "--set", f"output_root={output}"]
        started = time.perf_counter()
        try:
            runpy.run_path("local_runner.py", run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                return 1
        wall = time.perf_counter() - started
    used = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    sys.stderr.write(
        f"{which:<8}{len(spent):4} syncs, {sum(spent):6.3f} s in them; "
        f"wall {wall:.1f} s, CPU {cpu:.1f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
