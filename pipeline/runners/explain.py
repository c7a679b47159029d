"""The compiled job in a table: what starts, on which machine, how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from pipeline.runners import repairs


def table(job: dict[str, Any]) -> Table:
    """A row for each task, as the job has it.

    Args:
      job: of vertex.compile_job.
    """
    spec = job["pipelineSpec"]
    shown = Table(title=f"pipeline {spec['pipelineInfo']['name']}", box=None)
    for column in ("task", "kind", "machine", "cached", "starts", "condition", "given"):
        shown.add_column(column)
    for name, task in sorted(repairs.tasks(job).items()):
        component = spec["components"][task["componentRef"]["name"]]
        executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
        retries = int(task.get("retryPolicy", {}).get("maxRetryCount", 0))
        cached = task.get("cachingOptions", {}).get("enableCache", False)
        shown.add_row(
            name,
            next(iter(executor)),
            _machine(executor.get("container", {}).get("resources", {})),
            "yes" if cached else "no",
            f"1 to {1 + retries}" if retries else "1",
            escape(task.get("triggerPolicy", {}).get("condition", "")),
            ", ".join(_given(task)),
        )
    return shown


def _machine(resources: Mapping[str, Any]) -> str:
    parts = []
    if "cpuLimit" in resources:
        parts.append(f"{resources['cpuLimit']:g} CPU")
    if "memoryLimit" in resources:
        parts.append(f"{resources['memoryLimit']:g} GB")
    if "accelerator" in resources:
        accelerator = resources["accelerator"]
        parts.append(f"{accelerator['count']} x {accelerator['type']}")
    return ", ".join(parts) or "Vertex's default"


def _given(task: Mapping[str, Any]) -> list[str]:
    """Names of the parameters that the task takes at run time."""
    given = task.get("inputs", {}).get("parameters", {})
    return [
        name for name, source in given.items() if "componentInputParameter" in source
    ]
