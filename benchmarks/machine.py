"""On what a number was measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any


def describe() -> dict[str, Any]:
    """Cores, memory in GiB, and the versions that decide speed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        **{
            name: metadata.version(name)
            for name in ("tfx", "tensorflow", "apache-beam", "keras")
        },
    }
