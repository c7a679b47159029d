"""What a run on Vertex costs: each task's hours times its machine's price."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pipeline.config.vertex import Prices, Resources, VertexConfig

# What Vertex gives a task that asks for nothing: e2-standard-4. Source: Vertex AI
# Pipelines' documentation, "specify machine types".
DEFAULT_CPU, DEFAULT_MEMORY_GB = 4.0, 16.0


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one task costs, or a run."""

    hours: float
    """Machine-hours."""

    amount: float
    """In the price table's currency."""


def of_run(
    seconds: Mapping[str, float], vertex: VertexConfig
) -> tuple[dict[str, Cost], Cost]:
    """Each task's cost, and the sum with the fee of the run.

    Args:
      seconds: node -> how long its machine ran; 0 for what came from the cache.
      vertex: resources and prices.

    Raises:
      ValueError: there are no prices, or none for an accelerator that was used.
    """
    if vertex.prices is None:
        raise ValueError("vertex.prices: no price table is configured")
    prices = vertex.prices
    tasks = {
        node: _task(took, vertex.resources.get(node, Resources()), prices)  # type: ignore[call-overload]
        for node, took in seconds.items()
    }
    total = Cost(
        sum(task.hours for task in tasks.values()),
        sum(task.amount for task in tasks.values()) + prices.run,
    )
    return tasks, total


def per_hour(resources: Resources, prices: Prices) -> float:
    """What an hour of that machine costs.

    Raises:
      ValueError: its accelerator has no price.
    """
    cpu = resources.cpu or DEFAULT_CPU
    memory = resources.memory_gb or DEFAULT_MEMORY_GB
    hour = cpu * prices.cpu_hour + memory * prices.memory_gb_hour
    if resources.accelerator is None:
        return hour
    if resources.accelerator not in prices.accelerator_hour:
        known = ", ".join(sorted(prices.accelerator_hour)) or "none"
        raise ValueError(
            f"vertex.prices.accelerator_hour has no {resources.accelerator}; "
            f"it has {known}"
        )
    each = prices.accelerator_hour[resources.accelerator]
    return hour + resources.accelerator_count * each


def _task(seconds: float, resources: Resources, prices: Prices) -> Cost:
    hours = seconds / 3600
    return Cost(hours, hours * per_hour(resources, prices))
