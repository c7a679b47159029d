"""Facts of a run on Vertex AI: its final status, and what the service knows of it."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from pipeline.gcp import clients
from pipeline.nodes import TFX_DAG
from pipeline.runs.facts import SUCCEEDED, RunFacts


def facts_of(final_status: Any, pipeline_name: str) -> RunFacts:
    """What ended the run, as far as Vertex can tell.

    Args:
      final_status: JSON of PipelineTaskFinalStatus; the service may send a struct.
      pipeline_name: of the configuration.
    """
    status = _parsed(final_status)
    name = status.get("pipelineJobResourceName", "")
    state = status.get("state", "FAILED")
    facts = RunFacts(
        pipeline=pipeline_name,
        run_id=status.get("pipelineJobName") or name.rsplit("/", 1)[-1],
        outcome=state if state in (SUCCEEDED, "CANCELLED") else "FAILED",
        provider="vertex",
        log=console_link(name),
        reasons=_words((status.get("error") or {}).get("message")),
    )
    return facts if facts.succeeded else _with_details(facts, name)


def console_link(job: str) -> str:
    """The console's page of projects/P/locations/L/pipelineJobs/J; '' if it is none."""
    parts = job.split("/")
    if len(parts) != 6:
        return ""
    _, project, _, location, _, run = parts
    return (
        "https://console.cloud.google.com/vertex-ai/pipelines/locations/"
        f"{location}/runs/{run}?project={project}"
    )


def _parsed(final_status: Any) -> dict[str, Any]:
    if isinstance(final_status, str):
        return json.loads(final_status or "{}")
    from google.protobuf import json_format

    return json_format.MessageToDict(final_status)


def _words(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _with_details(facts: RunFacts, job: str) -> RunFacts:
    """The same, with the failed task and its error; unchanged if the API says nothing.

    A person is told in any case: that it failed is more than nothing.
    """
    try:
        from google.cloud.aiplatform_v1 import PipelineServiceClient

        service = clients.vertex(PipelineServiceClient, region=job.split("/")[3])
        found = service.get_pipeline_job(name=job, timeout=20)
        failed = [
            task
            for task in found.job_detail.task_details
            if task.state.name == "FAILED" and task.task_name != TFX_DAG
        ]
        started = found.start_time.timestamp() if found.start_time else None
    except Exception as error:
        why = f"(the failed task is not known: {type(error).__name__})"
        return dataclasses.replace(facts, reasons=(*facts.reasons, why))
    if not failed:
        return dataclasses.replace(facts, started=started)
    first = min(failed, key=_ended)
    return dataclasses.replace(
        facts,
        node=first.task_name,
        reasons=_words(first.error.message) or facts.reasons,
        started=started,
    )


def _ended(task: Any) -> float:
    return task.end_time.timestamp() if task.end_time else math.inf
