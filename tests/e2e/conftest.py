"""One real run on the bundled taxi trips, shared by the end-to-end tests."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Ran:
    """A finished command line and the run it left behind."""

    code: int
    stdout: str
    stderr: str
    output: Path

    @property
    def folder(self) -> Path:
        """The newest run's folder."""
        return sorted((self.output / "runs").iterdir())[-1]

    @property
    def summary(self) -> dict:
        """The newest run's summary.json."""
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))

    @property
    def states(self) -> dict[str, str]:
        """Node -> state."""
        return {node["id"]: node["state"] for node in self.summary["nodes"]}


def run_millrace(output: Path, *arguments: str, cwd: Path = ROOT) -> Ran:
    """Runs local_runner.py as a user does, in a process of its own."""
    done = subprocess.run(
        [
            *(sys.executable, "local_runner.py", *arguments),
            *("--set", f"output_root={output}"),
        ],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "COLUMNS": "120"},
    )
    return Ran(done.returncode, done.stdout, done.stderr, output)


@pytest.fixture(scope="session")
def taxi(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The default configuration on the real 15,002 trips, cold."""
    return run_millrace(tmp_path_factory.mktemp("taxi"), "run")
