"""A job's run date: the day that it works for, which is not always the day it runs.

Every compiled job takes a parameter `run_date`; it is an input of ExampleGen, so that
two dates never share a cache entry, and the data's span follows from it: the newest
that is not after the date. All runs of a schedule have the same parameters; there the
service fills in the time that a run was scheduled for, and the schedule's zone says
which day that is.
"""

from __future__ import annotations

import datetime
import json
import zoneinfo
from typing import Any

from pipeline.nodes import EXAMPLE_GEN, TFX_DAG

NAME = "run_date"
SCHEDULE_TIME = "{{$.pipeline_job_schedule_time_utc}}"
"""What the service replaces (kfp.dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER)."""

_FLAG = "--run_date_zone"
_EPOCH = datetime.date(1970, 1, 1)

Job = dict[str, Any]


def declare(job: Job) -> None:
    """Gives the compiled job its parameter: optional, empty, YYYY-MM-DD."""
    spec = job["pipelineSpec"]
    components = spec["components"]
    for component in (spec["root"], components[TFX_DAG], components[EXAMPLE_GEN]):
        inputs = component.setdefault("inputDefinitions", {})
        declared = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
        inputs.setdefault("parameters", {})[NAME] = declared
    _take_from(_inputs(spec["root"]["dag"]["tasks"][TFX_DAG]))
    _take_from(_inputs(_task(spec)))
    _set_zone(spec, "UTC")


def follow_schedule(spec: Job, zone: str) -> None:
    """Makes it, in a schedule's template, the date that each run is scheduled for.

    Args:
      spec: the pipelineSpec of a compiled job.
      zone: IANA's name; a run at 23:30 UTC is in Berlin one of the next day.
    """
    _inputs(_task(spec))[NAME] = {"runtimeValue": {"constant": SCHEDULE_TIME}}
    _set_zone(spec, zone)


def follow_parameter(spec: Job) -> None:
    """Takes it from the parameter again, as compiled: a backfill's jobs say their date.

    Args:
      spec: the pipelineSpec of a schedule's template.
    """
    _take_from(_inputs(_task(spec)))


def stay(spec: Job, text: str) -> None:
    """Makes it what it was in an earlier run, so that its entry in the cache is found.

    Args:
      spec: the pipelineSpec of that run's job.
      text: as ExampleGen had it.
    """
    _inputs(_task(spec))[NAME] = {"runtimeValue": {"constant": text}}


def of_text(text: str, zone: str) -> datetime.date:
    """The date of YYYY-MM-DD, or of a time with its offset.

    Raises:
      ValueError: it is neither.
    """
    try:
        if len(text) == len("YYYY-MM-DD"):
            return datetime.date.fromisoformat(text)
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is neither YYYY-MM-DD nor a time such as 2026-11-01T05:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).date()


def put_in(invocation: str, zone: str | None) -> str:
    """The task's invocation with its newest span bounded by the run date.

    Args:
      invocation: JSON of ExecutorInput, as the service fills in {{$}}.
      zone: of the schedule; None for a task that takes no run date.

    Raises:
      ValueError: the run date is none.
    """
    value = json.loads(invocation)
    given = value.get("inputs", {}).get("parameterValues", {})
    text = given.pop(NAME, "")
    if zone is None or text == "":
        return json.dumps(value)
    try:
        day = of_text(text, zone)
    except ValueError as error:
        raise ValueError(f"{NAME}: {error}") from None
    if "rolling_range" in json.loads(given.get("range_config") or "{}"):
        newest = {"start_span_number": 0, "end_span_number": (day - _EPOCH).days}
        given["range_config"] = json.dumps({"static_range": newest})
    return json.dumps(value)


def _task(spec: Job) -> dict[str, Any]:
    return spec["components"][TFX_DAG]["dag"]["tasks"][EXAMPLE_GEN]


def _inputs(task: dict[str, Any]) -> dict[str, Any]:
    return task.setdefault("inputs", {}).setdefault("parameters", {})


def _take_from(inputs: dict[str, Any]) -> None:
    inputs[NAME] = {"componentInputParameter": NAME}


def _set_zone(spec: Job, zone: str) -> None:
    label = spec["components"][EXAMPLE_GEN]["executorLabel"]
    container = spec["deploymentSpec"]["executors"][label]["container"]
    driver = container.get("lifecycle", {}).get("preCacheCheck")
    for step in filter(None, (container, driver)):
        arguments = step["args"]
        if _FLAG in arguments:
            arguments[arguments.index(_FLAG) + 1] = zone
        else:
            step["args"] = [*arguments, _FLAG, zone]
