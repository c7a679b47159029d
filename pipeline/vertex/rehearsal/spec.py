"""The compiled job with what the service knows when it runs it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from pipeline.nodes import TFX_DAG
from pipeline.vertex.job import parameters, run_date
from pipeline.vertex.job.job import Job, JobTask
from pipeline.vertex.rehearsal.outputs import Place

_CREATE_TIME = "{{$.pipeline_job_create_time_utc}}"


class Spec:
    """A job with the values that were given at its submission.

    Args of the constructor:
      job: as compiled.
      given: name -> text, of its parameters.
      at: the time that it is created and scheduled for.
    """

    def __init__(
        self, job: Job, given: Mapping[str, str], at: datetime.datetime
    ) -> None:
        self.root = Place(job.output)
        self.tasks = job.tasks
        assert job.handler, "every job of ours has an exit handler"
        self.handler = job.handler
        # Who submits is filled in, and never given: a service takes it as it comes.
        checked = {k: v for k, v in given.items() if k != parameters.ORIGIN}
        self._given = {**parameters.checked(job, checked), **given}
        self._at = at

    def parameters(self, task: JobTask) -> dict[str, object]:
        """The task's, with what the service puts in place of placeholders."""
        given = {name: self._given[of] for name, of in task.taken.items()}
        return given | {name: self._filled(of) for name, of in task.constants.items()}

    def _filled(self, constant: Any) -> Any:
        if constant in (run_date.SCHEDULE_TIME, _CREATE_TIME):
            return self._at.isoformat(timespec="seconds")
        return constant


def final_status(run_id: str, resource: str, failed: list[str]) -> Mapping[str, object]:
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
