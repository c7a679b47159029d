"""What a person sees in a terminal: the live table, and nothing of the libraries."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest


@pytest.fixture
def screen(trained):
    """All that an unchanged run of the penguins writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, "local_runner.py", "run", "--force"),
            *("--config", "configs/penguins/penguins.yaml"),
            *("--set", f"output_root={trained.output}"),
        ],
        cwd=trained.root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux tells that the other side closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.wait() == 0, seen.decode()
    return seen.decode()


def test_the_live_table_moves_and_the_libraries_stay_silent(screen):
    assert "loading TensorFlow Extended" in screen
    assert "waiting" in screen
    assert "cached" in screen
    assert "SUCCEEDED" in screen
    for noise in ("absl", "WARNING", "INFO", "I0000", "tensorflow/", "Component "):
        assert noise not in screen
