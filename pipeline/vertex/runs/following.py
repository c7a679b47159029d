"""A job, looked at until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pipeline.config.config import Config
from pipeline.errors import CloudUnavailable
from pipeline.gcp import jobs

EVERY_S = 15.0
"""Between two looks: a task takes minutes to start there."""

_LONGEST_PAUSE_S = 120.0
_SLICE_S = 0.5
# Half an hour of nothing but refusals; the job goes on meanwhile.
_PATIENCE = 20


def _sleep(seconds: float) -> None:
    """In slices: Python answers a Ctrl-C that comes just before a sleep after it."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE_S))


def follow(
    config: Config,
    run: str,
    show: Callable[[Any], None],
    tell: Callable[[str], None],
    every_s: float = EVERY_S,
    pause: Callable[[float], None] = _sleep,
) -> Any:
    """Looks at the job until it has ended; returns it then.

    Args:
      config: says where.
      run: its id.
      show: is given the job after each look.
      tell: is told, once in a row, that the service is busy.
      every_s: seconds between two looks.
      pause: waits so long.

    Raises:
      CloudUnavailable: the service was busy for half an hour.
    """
    refused = 0
    while True:
        try:
            job = jobs.get(config, run)
        except CloudUnavailable as busy:
            refused += 1
            if refused == _PATIENCE:
                raise
            if refused == 1:
                tell(f"{busy} (the run goes on, and is looked at again)")
            pause(min(every_s * 2**refused, _LONGEST_PAUSE_S))
            continue
        refused = 0
        show(job)
        if jobs.state_of(job) in jobs.ENDED:
            return job
        pause(every_s)
