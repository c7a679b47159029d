"""The containers, as processes of this machine, and how many of them fit at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.vertex.job.job import Step

# A process of TensorFlow takes 1.5 GB, and some data on top.
_TASK_BYTES = 2 * 2**30


def start(
    step: Step,
    invocation: str,
    log: Any,
    environment: Mapping[str, str],
) -> bool:
    """Runs it to its end; whether that was 0.

    Args:
      step: its `python` is this interpreter.
      invocation: JSON of ExecutorInput; takes the place of {{$}}.
      log: a binary file for what it says.
      environment: over this process's own.
    """
    command = [sys.executable if word == "python" else word for word in step.command]
    filled = [invocation if word == "{{$}}" else word for word in step.args]
    done = subprocess.run(
        [*command, *filled],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TF_USE_LEGACY_KERAS": "0", **environment},
        check=False,
    )
    return done.returncode == 0


def at_once(available_bytes: int) -> int:
    """How many tasks fit into that memory; one always runs, and shows whether it fits.

    No more than there are cores: each would only take longer.
    """
    return max(1, min(os.cpu_count() or 1, available_bytes // _TASK_BYTES))


def available_bytes() -> int:
    """What Linux would give to a new process, without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return _TASK_BYTES
