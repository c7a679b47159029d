"""How long each task of a compiled job may hold which machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.vertex.job import patches as repairs


@dataclasses.dataclass(frozen=True)
class Machine:
    """What one task holds, at most."""

    cpus: float
    memory_gb: float
    accelerator: str | None
    """Vertex's name."""

    accelerators: int
    starts: int
    """1 and its retries."""

    hours: float
    """Of all starts together, each ended by its timeout; the minutes in which Vertex
    gets a machine ready come on top."""

    is_default: bool
    """Whether nothing was said, so that Vertex takes an e2-standard-4."""


# Source: Vertex AI Pipelines' documentation, "specify machine types": e2-standard-4.
_CPUS, _MEMORY_GB = 4.0, 16.0


def machine_hours(job: Mapping[str, Any]) -> dict[str, Machine]:
    """Task -> its machine; resolvers have none.

    Args:
      job: of vertex.compile_job.
    """
    job = dict(job)
    policies = {
        name: task.get("retryPolicy", {}) for name, task in repairs.tasks(job).items()
    }
    return {
        name: _machine(container, policies.get(name, {}))
        for name, container in repairs.containers(job).items()
    }


def _machine(container: Mapping[str, Any], policy: Mapping[str, Any]) -> Machine:
    resources = container.get("resources", {})
    accelerator = resources.get("accelerator", {})
    starts = 1 + int(policy.get("maxRetryCount", 0))
    driver = container.get("lifecycle", {}).get("preCacheCheck")
    # A driver is a container of its own, on a machine like that of the task.
    seconds = sum(_timeout_s(each["args"]) for each in (container, driver) if each)
    return Machine(
        cpus=float(resources.get("cpuLimit", _CPUS)),
        memory_gb=float(resources.get("memoryLimit", _MEMORY_GB)),
        accelerator=accelerator.get("type"),
        accelerators=int(accelerator.get("count", 0)),
        starts=starts,
        hours=starts * seconds / 3600,
        is_default=not resources,
    )


def _timeout_s(arguments: list[str]) -> float:
    return float(arguments[arguments.index("--timeout_s") + 1])
