"""One Python process, timed from its start to its end, with its peak memory."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Used:
    """What a process took."""

    seconds: float
    peak_mb: float
    """Resident memory, the largest of the process and its children."""


def run(arguments: list[str], cwd: Path, log: Path) -> Used:
    """Runs `python ARGUMENTS` with Keras 3; its output goes to the log.

    Raises:
      SystemExit: it failed.
    """
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TF_USE_LEGACY_KERAS": "0"},
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if code := os.waitstatus_to_exitcode(status):
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise SystemExit(f"{tail}\n{' '.join(arguments)} ended with {code}")
    return Used(seconds, usage.ru_maxrss / 1024)
