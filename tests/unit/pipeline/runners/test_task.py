"""A job that an older version compiled still starts its tasks."""

from __future__ import annotations

import subprocess
import sys


def test_the_old_entry_module_is_the_new_one(repository):
    asked = [sys.executable, "-m", "pipeline.runners.task", "--help"]

    old = subprocess.run(asked, cwd=repository, capture_output=True, text=True)
    asked[2] = "pipeline.vertex.job.task"
    new = subprocess.run(asked, cwd=repository, capture_output=True, text=True)

    assert (old.returncode, old.stdout) == (0, new.stdout)
    assert "--json_serialized_invocation_args" in old.stdout
