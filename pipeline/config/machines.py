"""What one machine of Vertex may have: CPUs, memory, accelerators.

Sources: Vertex AI's page on machines of pipeline steps (96 CPUs, 624 GB), the client's
enum of accelerators (a test holds the names against it), Compute Engine's page on GPU
machine types (how many, and beside how much), as far as we remember it: it could not be
looked up. The service decides, and where a region has which is known to it alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

MAX_CPU = 96
MAX_MEMORY_GB = 624

_Sizes = Mapping[int, tuple[int, int]]
"""Accelerators of a machine -> the most CPUs and GB beside them."""

_WHOLE = (MAX_CPU, MAX_MEMORY_GB)

ACCELERATORS: Mapping[str, _Sizes] = {
    "NVIDIA_TESLA_P100": {1: (16, 104), 2: (32, 208), 4: _WHOLE},
    "NVIDIA_TESLA_V100": {1: (12, 78), 2: (24, 156), 4: (48, 312), 8: _WHOLE},
    "NVIDIA_TESLA_P4": {1: (24, 156), 2: (48, 312), 4: _WHOLE},
    "NVIDIA_TESLA_T4": {1: (48, 312), 2: (48, 312), 4: _WHOLE},
    "NVIDIA_TESLA_A100": {
        **{1: (12, 85), 2: (24, 170), 4: (48, 340)},
        **{8: _WHOLE, 16: _WHOLE},
    },
    "NVIDIA_A100_80GB": {1: (12, 170), 2: (24, 340), 4: _WHOLE, 8: _WHOLE},
    "NVIDIA_L4": {1: (32, 128), 2: (24, 96), 4: (48, 192), 8: (96, 384)},
    "NVIDIA_H100_80GB": {1: (26, 234), 2: (52, 468), 4: _WHOLE, 8: _WHOLE},
    "NVIDIA_H100_MEGA_80GB": {8: _WHOLE},
    "NVIDIA_H200_141GB": {8: _WHOLE},
    "NVIDIA_B200": {8: _WHOLE},
    "NVIDIA_GB200": {4: _WHOLE},
    "NVIDIA_RTX_PRO_6000": {1: (48, 180), 2: (96, 360), 4: _WHOLE, 8: _WHOLE},
}
RETIRED = ("NVIDIA_TESLA_K80",)
"""In the enum, and said there to have reached the end of their support."""

NOT_OURS = ("TPU_V2", "TPU_V3", "TPU_V4_POD", "TPU_V5_LITEPOD")
"""In the enum; the Trainer's TensorFlow runs on none of them."""


def problems(
    cpu: float | None, memory_gb: float | None, accelerator: str | None, count: int
) -> Iterator[str]:
    """What no machine has, a line each; what is None the service chooses.

    Args:
      cpu: how many at least.
      memory_gb: how much at least.
      accelerator: Vertex's name of it.
      count: of accelerators, if there is one.
    """
    sizes: _Sizes = {1: _WHOLE}
    what = "a task"
    if accelerator is not None:
        if wrong := _unknown(accelerator):
            yield wrong
            return
        sizes = ACCELERATORS[accelerator]
        if count not in sizes:
            known = ", ".join(map(str, sizes))
            yield f"accelerator_count: {count} of {accelerator}; a machine has {known}"
            return
        what = f"a machine with {count} {accelerator}"
    else:
        count = 1
    max_cpu, max_memory = sizes[count]
    if cpu is not None and cpu > max_cpu:
        yield f"cpu: {cpu:g}; {what} has at most {max_cpu}"
    if memory_gb is not None and memory_gb > max_memory:
        yield f"memory_gb: {memory_gb:g}; {what} has at most {max_memory}"


def _unknown(name: str) -> str | None:
    if name in ACCELERATORS:
        return None
    known = f"Known: {', '.join(ACCELERATORS)}"
    if name in RETIRED:
        return f"accelerator: {name} is out of service. {known}"
    if name in NOT_OURS:
        return f"accelerator: {name}: no task of Millrace runs on a TPU"
    asked = name.upper()
    model = "_" + asked.rpartition("_")[2]  # as people call it: T4
    close = [each for each in ACCELERATORS if each.endswith(model)]
    close = close or difflib.get_close_matches(asked, ACCELERATORS, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"accelerator: Vertex has no '{name}'. {hint}{known}"
