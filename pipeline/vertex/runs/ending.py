"""How a job on Vertex ended, in the one word that a local run would have."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from pipeline.config.config import Config
from pipeline.errors import CloudError
from pipeline.gcp import jobs
from pipeline.gcp.rest import Rest
from pipeline.nodes import EVALUATOR, EXAMPLE_GEN, PUSHER, SCHEMA_VALIDATOR, TFX_DAG
from pipeline.notifications import failure
from pipeline.notifications.failure import Failure
from pipeline.recorded import Override
from pipeline.runs.outcome import Outcome

# What it mostly means when a task fails that left no words.
_BY_TASK = {
    EXAMPLE_GEN: Outcome.DATA_REFUSED,
    SCHEMA_VALIDATOR: Outcome.DATA_REFUSED,
    PUSHER: Outcome.PUSH_FAILED,
}


@dataclasses.dataclass(frozen=True)
class Ending:
    """What became of a run."""

    outcome: Outcome
    node: str | None = None
    reasons: tuple[str, ...] = ()
    is_guess: bool = False
    """The task left no words that could be read; its name alone decided."""


def of_job(config: Config, job: Any) -> Ending:
    """The ending of a job that has ended.

    Args:
      config: says where the run's folder is.
      job: PipelineJob with its task details.
    """
    state = jobs.state_of(job)
    if state == "CANCELLED":
        return Ending(Outcome.CANCELLED)
    if state == "SUCCEEDED":
        return Ending(Outcome.NOT_BLESSED if _is_refused(job) else Outcome.SUCCEEDED)
    failed = failed_tasks(job)
    if not failed:
        return Ending(Outcome.FAILED, None, _words(job.error.message))
    left = _left_words(config, job.name.rsplit("/", 1)[-1])
    for task in failed:
        if left and task.task_name == left.node:
            outcome = Outcome.__members__.get(left.outcome, Outcome.FAILED)
            return Ending(outcome, task.task_name, left.reasons)
    first = failed[0]
    outcome = _BY_TASK.get(first.task_name, Outcome.FAILED)
    return Ending(outcome, first.task_name, _words(first.error.message), is_guess=True)


def exit_code(config: Config, outcome: Outcome) -> int:
    """As the table in the README has it."""
    if outcome is Outcome.NOT_BLESSED:
        return config.not_blessed_exit_code
    return outcome.value


def failed_tasks(job: Any) -> list[Any]:
    """The tasks that failed themselves, first the one that did so first."""
    failed = [
        task
        for task in job.job_detail.task_details
        if task.state.name == "FAILED" and task.task_name != TFX_DAG
    ]
    endless = [task for task in failed if not task.end_time]
    ended = [task for task in failed if task.end_time]
    return sorted(ended, key=lambda task: task.end_time.timestamp()) + endless


def _is_refused(job: Any) -> bool:
    """Whether the Evaluator put out a blessing that is none, and nobody overrode it."""
    blessing = said_by(job, EVALUATOR, "blessing")
    if blessing is None or blessing.get("blessed"):
        return False
    return not (said_by(job, PUSHER, "pushed_model") or {}).get(Override.SAID)


def said_by(job: Any, task: str, key: str) -> dict[str, Any] | None:
    """What the artifact that a task put out says of itself; None if there is none."""
    for each in job.job_detail.task_details:
        if each.task_name == task and key in each.outputs:
            for artifact in each.outputs[key].artifacts:
                return dict(artifact.metadata or {})
    return None


def _left_words(config: Config, run: str) -> Failure | None:
    """What the failed task left in the run's folder; None if that cannot be read."""
    folder = config.runs_path
    if not folder.startswith("gs://"):
        return failure.found(Path(folder), run)
    try:
        return Failure.from_dict(Rest().read_json(f"{folder}/{run}/{failure.FILE}"))
    except CloudError:
        return None


def _words(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
