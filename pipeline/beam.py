"""Where Beam's work would be done: in this process, or by workers."""

from __future__ import annotations

from collections.abc import Sequence

_IN_PROCESS = "--direct_running_mode=in_memory"


def in_process(beam_args: Sequence[str]) -> bool:
    """Whether one process does it all; then a plain loop is faster than Beam.

    Beam's in-memory runner spends seconds on a graph of hundreds of steps and then
    hands over each element in Python, one after the other.
    """
    return _IN_PROCESS in beam_args
