"""Whether Beam does the work in this process.

Apart from the arguments that say so: this is code of the nodes, and the configuration,
which those are made of, is not.
"""

from __future__ import annotations

from collections.abc import Sequence

IN_PROCESS = "--direct_running_mode=in_memory"


def in_process(beam_args: Sequence[str]) -> bool:
    """Whether one process does it all; then a plain loop is faster than Beam.

    Beam's in-memory runner spends seconds on a graph of hundreds of steps and then
    hands over each element in Python, one after the other.
    """
    return IN_PROCESS in beam_args
