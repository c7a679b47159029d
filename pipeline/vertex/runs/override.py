"""gate override on Vertex: a refused run's own job once more, with a person's word.

Up to the Evaluator everything comes from the cache, so nothing is trained or judged
again. The Pusher gets the word, and the URI of the model that it is for: another model,
made because something was not in the cache any more, is never pushed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from typing import Any

from pipeline.config.config import Config
from pipeline.errors import UsageError
from pipeline.gcp import job_history, jobs
from pipeline.nodes import EVALUATOR, EXAMPLE_GEN, NOTIFIER, PUSHER, TRAINER
from pipeline.recorded import Evaluation
from pipeline.registry.versions import Override
from pipeline.runs.outcome import Outcome
from pipeline.vertex.job import job_digest, origin, run_date
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import ending
from pipeline.vertex.schedules import messages

LABEL = "millrace-overrides"
"""Of the job that carries an override out: the run that was refused."""

_PARAMETER = "override"
_AGAIN = (PUSHER, NOTIFIER)
"""What runs once more; all else must come from the cache."""

_PLACEHOLDER = "{{$"


@dataclasses.dataclass(frozen=True)
class Refused:
    """A run on Vertex whose model was refused, and that may be overridden."""

    run_id: str
    job: Any
    """PipelineJob."""

    model: str
    """URI of the refused model."""

    word: str
    """The verdict's word."""

    reasons: tuple[str, ...]
    destination: str
    """Where its Pusher would have pushed to."""


def refused(config: Config, run: str) -> Refused:
    """That run, if a person may push its model all the same.

    Raises:
      UsageError: there is no such run, it was not refused by the verdict, it may not
        push, it takes nothing from the cache, or somebody overrode it already.
      CloudError: the service said no.
    """
    job = jobs.get(config, run)
    run_id = job.name.rpartition("/")[2]
    _require_refused(config, job, run_id)
    _require_first(config, run_id)
    compiled = Job.of_message(job)
    given = compiled.tasks[PUSHER].constants
    if withheld := given.get("withheld"):
        raise UsageError(f"run {run_id}: {withheld}")
    _require_cached(compiled, run_id)
    said = ending.said_by(job, EVALUATOR, "evaluation") or {}
    verdict = json.loads(said.get(Evaluation.VERDICT) or "{}")
    return Refused(
        run_id=run_id,
        job=job,
        model=_model_of(job, run_id),
        word=verdict.get("word", "NOT_BLESSED"),
        reasons=tuple(verdict.get("reasons", ())),
        destination=given.get("destination", ""),
    )


def message(found: Refused, said: Override) -> Any:
    """The PipelineJob that pushes it; nothing is sent.

    Raises:
      UsageError: a word that Vertex would take for a placeholder.
    """
    for word in (said.by, said.reason):
        if _PLACEHOLDER in word:
            raise UsageError(
                f"--by and --reason must not hold {_PLACEHOLDER}: Vertex replaces what "
                "begins so"
            )
    job = Job.of_message(found.job)
    # An optional parameter, which a compiled job leaves out.
    job.component(PUSHER).declare(_PARAMETER)
    job.tasks[PUSHER].set_constant(_PARAMETER, _word(found, said))
    run_date.stay(job, _run_date(found.job))
    origin.follow_parameter(job)
    # It does not belong to the template, the schedule or the file that it began as.
    job.forget_template()
    for label in (job_digest.LABEL, messages.NAME, messages.PIPELINE):
        job.labels.pop(label, None)
    given = {
        **dict(found.job.runtime_config.parameter_values),
        **origin.given(job, f"override of {found.run_id}"),
    }
    return job.message(given, {LABEL: _label(found.run_id)})


def _word(found: Refused, said: Override) -> str:
    return json.dumps(
        {
            "by": said.by,
            "reason": said.reason,
            "at": said.at or round(time.time(), 3),
            "run": found.run_id,
            "model": found.model,
        }
    )


def _require_refused(config: Config, job: Any, run_id: str) -> None:
    state = jobs.state_of(job)
    if state not in jobs.ENDED:
        raise UsageError(
            f"{run_id} still runs: `python vertex_runner.py status {run_id} --wait`"
        )
    outcome = ending.of_job(config, job).outcome
    if outcome is not Outcome.NOT_BLESSED:
        raise UsageError(
            f"run {run_id} ended {outcome.name}, and only a run that ended NOT_BLESSED "
            "has a refused model: python vertex_runner.py list"
        )


def _require_first(config: Config, run_id: str) -> None:
    for other in job_history.labelled(config, LABEL, _label(run_id)):
        state = jobs.state_of(other)
        if state not in ("FAILED", "CANCELLED"):
            name = other.name.rpartition("/")[2]
            raise UsageError(
                f"run {run_id} was overridden already, by the job {name} "
                f"({state.lower()}): python vertex_runner.py status {name}"
            )


def _require_cached(job: Job, run_id: str) -> None:
    """Without the cache another model would be trained, and never pushed."""
    anew = [
        name
        for name, task in job.tasks.items()
        if name not in _AGAIN and task.queries is None and not task.is_cached
    ]
    if anew:
        raise UsageError(
            f"run {run_id}: {', '.join(sorted(anew))} would run again and make another "
            "model, because the job was compiled with vertex.caching: false. Lower the "
            "bound that it missed and submit it instead: "
            "--set evaluation.thresholds.METRIC.min=VALUE"
        )


def _model_of(job: Any, run_id: str) -> str:
    for task in job.job_detail.task_details:
        if task.task_name == TRAINER and "model" in task.outputs:
            for artifact in task.outputs["model"].artifacts:
                return str(artifact.uri)
    raise UsageError(f"run {run_id}: the service does not say which model it made")


def _run_date(job: Any) -> str:
    """As ExampleGen had it: of a schedule's run, the time that it was scheduled for."""
    for task in job.job_detail.task_details:
        if task.task_name == EXAMPLE_GEN:
            given = dict(task.execution.metadata or {})
            return str(given.get(f"input:{run_date.NAME}", ""))
    return ""


def _label(run_id: str) -> str:
    """A label holds 63 characters, an id 128."""
    if len(run_id) <= 63:
        return run_id
    return f"{run_id[:40]}-{hashlib.sha256(run_id.encode()).hexdigest()[:20]}"
