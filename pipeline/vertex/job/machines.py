"""How long each task of a compiled job may hold which machine."""

from __future__ import annotations

import dataclasses

from pipeline.config.vertex import Resources
from pipeline.reports import cost
from pipeline.vertex.job.job import Container, Job


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


def machine_hours(job: Job) -> dict[str, Machine]:
    """Task -> its machine; resolvers have none.

    Args:
      job: of vertex.compile_job.
    """
    retries = {name: task.retries for name, task in job.all_tasks.items()}
    return {
        name: _machine(container, starts=1 + retries[name])
        for name, container in job.containers.items()
    }


def _machine(container: Container, starts: int) -> Machine:
    asked = container.resources or Resources()
    # A driver is a container of its own, on a machine like that of the task.
    seconds = sum(float(step.value_of("--timeout_s")) for step in container.steps)
    return Machine(
        cpus=asked.cpu or cost.DEFAULT_CPU,
        memory_gb=asked.memory_gb or cost.DEFAULT_MEMORY_GB,
        accelerator=asked.accelerator,
        accelerators=asked.accelerator_count if asked.accelerator else 0,
        starts=starts,
        hours=starts * seconds / 3600,
        is_default=container.resources is None,
    )
