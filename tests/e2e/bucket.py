"""A bucket, and a job on it in a world of its own; what came out, step by step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ROOT

BUCKET = "trips-bucket"


class Bucket:
    """A folder that is a bucket there.

    Args of the constructor:
      folder: of the world; empty.
      data: of the job, copied into the bucket.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder = folder
        self.path = folder / "buckets" / BUCKET
        shutil.copytree(data, self.path / "data")

    @property
    def output(self) -> Path:
        """The configuration's output_root, as a folder."""
        return self.path / "millrace"

    def take_over(self, output: Path) -> None:
        """What a rehearsal on folders left, as if it had run on the bucket."""
        artifacts = self.output / "artifacts"
        shutil.copytree(output / "artifacts", artifacts)
        left = artifacts / "rehearsal.jsonl"
        text = left.read_text(encoding="utf-8")
        there = text.replace(f"file://{output}", f"gs://{BUCKET}/millrace")
        left.write_text(there, encoding="utf-8")

    def run(self, form: str, config: str) -> Mapping[str, Any]:
        """The steps of tests.e2e.bucket_job, by name."""
        python, folder = sys.executable, str(self._folder)
        # The world has a metadata server, which this process must not look for.
        environment = {k: v for k, v in os.environ.items() if k != "NO_GCE_CHECK"}
        done = subprocess.run(
            [
                *(python, "-m", "tests.fakes.gcs.world", folder),
                *(python, "-m", "tests.e2e.bucket_job", folder, form, config),
            ],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((self._folder / "told.json").read_text(encoding="utf-8"))

    def artifacts(self, step: Mapping[str, Any]) -> Path:
        """Where a step's run has its artifacts."""
        return self.output / "artifacts" / "1" / step["run"]

    def asked(self) -> set[tuple[str, str, str]]:
        """(client, method, status) of what was asked of the service."""
        lines = (self._folder / "requests.txt").read_text(encoding="utf-8").splitlines()
        return {(line.split()[0], line.split()[1], line.split()[-1]) for line in lines}
