"""What the compiled job says of its tasks."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.nodes import TFX_DAG
from pipeline.vertex.job import parameters, run_date

_CREATE_TIME = "{{$.pipeline_job_create_time_utc}}"

Declared = Mapping[str, Any]
"""A task as the job has it."""


class Spec:
    """A job with the values that were given at its submission.

    Args of the constructor:
      job: PipelineJob, as compiled.
      given: name -> text, of its parameters.
      at: the time that it is created and scheduled for.
    """

    def __init__(
        self, job: Mapping[str, Any], given: Mapping[str, str], at: datetime.datetime
    ) -> None:
        self._spec = job["pipelineSpec"]
        root = job["runtimeConfig"]["gcsOutputDirectory"]
        if "://" in root:
            raise UsageError(
                f"output_root: {root} is a bucket; a rehearsal writes to a folder: "
                "--set output_root=DIR"
            )
        self.root = Path(root)
        graph = self._spec["components"][TFX_DAG]["dag"]
        self.tasks: Mapping[str, Declared] = graph["tasks"]
        self._given = parameters.checked(self._spec, given)
        self._at = at

    @property
    def handler(self) -> tuple[str, Declared]:
        """The exit handler: its name, and its task."""
        tasks = self._spec["root"]["dag"]["tasks"]
        [(name, task)] = [item for item in tasks.items() if item[0] != TFX_DAG]
        return name, task

    def component(self, task: Declared) -> Mapping[str, Any]:
        """What it declares to put out."""
        return self._spec["components"][task["componentRef"]["name"]]

    def executor(self, task: Declared) -> Mapping[str, Any]:
        """Its container, or its resolver."""
        executors = self._spec["deploymentSpec"]["executors"]
        return executors[self.component(task)["executorLabel"]]

    def parameters(self, task: Declared) -> dict[str, Any]:
        """Its parameters, with what the service puts in place of placeholders."""
        found = {}
        for name, source in task.get("inputs", {}).get("parameters", {}).items():
            if "runtimeValue" in source:
                found[name] = self._filled(source["runtimeValue"]["constant"])
            elif "componentInputParameter" in source:
                found[name] = self._given[source["componentInputParameter"]]
        return found

    def _filled(self, constant: Any) -> Any:
        if constant in (run_date.SCHEDULE_TIME, _CREATE_TIME):
            return self._at.isoformat(timespec="seconds")
        return constant


def sources(task: Declared) -> dict[str, tuple[str, str]]:
    """Key of an input -> the task that makes it, and its key there."""
    taken = task.get("inputs", {}).get("artifacts", {})
    made = {key: source["taskOutputArtifact"] for key, source in taken.items()}
    return {
        key: (source["producerTask"], source["outputArtifactKey"])
        for key, source in made.items()
    }


def before(task: Declared) -> set[str]:
    """The tasks that it waits for."""
    makers = {maker for maker, _ in sources(task).values()}
    return makers | set(task.get("dependentTasks", []))


def final_status(run_id: str, resource: str, failed: list[str]) -> dict[str, Any]:
    """What the service tells the exit handler.

    Args:
      run_id: of the job.
      resource: its resource name.
      failed: the names of the tasks that failed; none when all is well.
    """
    words = f"The DAG failed because some tasks failed: {failed}."
    return {
        "state": "FAILED" if failed else "SUCCEEDED",
        "error": {"code": 9, "message": words} if failed else {},
        "pipelineJobUuid": run_id,
        "pipelineJobName": run_id,
        "pipelineJobResourceName": resource,
        "pipelineTaskName": TFX_DAG,
    }
