"""Who or what started a job on Vertex: a parameter of the job, like its run date.

A compiled job says nothing of it, for the same configuration gives the same bytes. Each
submission fills it in; a schedule's template holds the schedule's name. It goes to the
Notifier and to the exit handler, one of which runs however the job ends, and a
parameter of a task stays in Vertex ML Metadata. Neither is ever cached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline import recorded
from pipeline.code import version as code
from pipeline.nodes import EXIT_HANDLER, NOTIFIER, TFX_DAG

NAME = "origin"


Job = dict[str, Any]


def declare(job: Job) -> None:
    """Gives the compiled job its parameter: optional, empty, JSON."""
    spec = job["pipelineSpec"]
    components = spec["components"]
    takers = (TFX_DAG, NOTIFIER, EXIT_HANDLER)
    for component in (spec["root"], *(components[name] for name in takers)):
        inputs = component.setdefault("inputDefinitions", {})
        declared = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
        inputs.setdefault("parameters", {})[NAME] = declared
    _inputs(spec["root"]["dag"]["tasks"][TFX_DAG])[NAME] = _FROM_THE_JOB
    follow_parameter(spec)


def follow_schedule(spec: Job, schedule: str) -> None:
    """Makes it, in a schedule's template, the schedule's name; who, it cannot know.

    Args:
      spec: the pipelineSpec of a compiled job.
      schedule: its name.
    """
    words = json.dumps({recorded.RunKey.TRIGGER: f"schedule {schedule}"})
    _give(spec, {"runtimeValue": {"constant": words}})


def follow_parameter(spec: Job) -> None:
    """Takes it from the parameter again, as compiled: whoever submits says it.

    Args:
      spec: the pipelineSpec of a schedule's template.
    """
    _give(spec, _FROM_THE_JOB)


def given(spec: Mapping[str, Any], trigger: str) -> dict[str, str]:
    """The parameter of a job that is submitted here and now; {} if it takes none.

    Args:
      spec: its pipelineSpec; one that was compiled long ago declares no origin.
      trigger: as `recorded.RunKey.TRIGGER` has it.
    """
    if not _is_declared(spec):
        return {}
    return {NAME: json.dumps(code.origin(trigger))}


_FROM_THE_JOB = {"componentInputParameter": NAME}


def _is_declared(spec: Mapping[str, Any]) -> bool:
    inputs = spec["root"].get("inputDefinitions", {})
    return NAME in inputs.get("parameters", {})


def _give(spec: Job, source: Mapping[str, Any]) -> None:
    """To both tasks; a job that was compiled long ago is left as it is."""
    if _is_declared(spec):
        inside = spec["components"][TFX_DAG]["dag"]["tasks"][NOTIFIER]
        for task in (inside, spec["root"]["dag"]["tasks"][EXIT_HANDLER]):
            _inputs(task)[NAME] = dict(source)


def _inputs(task: dict[str, Any]) -> dict[str, Any]:
    return task.setdefault("inputs", {}).setdefault("parameters", {})
