"""One real run on the bundled taxi trips, shared by the end-to-end tests."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
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


@dataclasses.dataclass(frozen=True)
class Clone:
    """A copy of the tracked files that a test may edit, with the penguins in it."""

    root: Path
    output: Path

    def run(self, *arguments: str) -> Ran:
        """Runs the clone's local_runner.py on the penguins."""
        return run_millrace(
            self.output,
            *(arguments or ("run",)),
            *("--config", str(self.root / "configs/penguins/penguins.yaml")),
            cwd=self.root,
        )

    def start(self, *arguments: str) -> subprocess.Popen:
        """Starts the same without waiting; the pipe gives a line for each node."""
        return subprocess.Popen(
            [
                *(sys.executable, "-u", "local_runner.py", *arguments),
                *("--config", "configs/penguins/penguins.yaml"),
                *("--set", f"output_root={self.output}"),
            ],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces text that must be there."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, file: str, line: str) -> None:
        """Adds a line at the end."""
        with (self.root / file).open("a", encoding="utf-8") as stream:
            stream.write(line)

    @property
    def data(self) -> Path:
        """The penguins' CSV."""
        return self.root / "configs/penguins/data/penguins.csv"


def make_clone(folder: Path) -> Clone:
    """Copies what git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    root = folder / "clone"
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    return Clone(root, folder / "output")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone after one good run on the penguins; copy it with `clone`."""
    made = make_clone(tmp_path_factory.mktemp("penguins"))
    ran = made.run()
    assert ran.code == 0, ran.stdout + ran.stderr
    return made


@pytest.fixture(scope="session")
def in_this_process(tmp_path_factory: pytest.TempPathFactory):
    """What the penguins' first nodes make in one process."""
    from tests.e2e import first_nodes  # imports TensorFlow

    made = first_nodes.FirstNodes(tmp_path_factory.mktemp("nodes"))
    made.ingest()
    made.measure()
    made.transform()
    return made
