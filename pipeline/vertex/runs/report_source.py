"""The runs on Vertex, as a report's source: the jobs, and the artifacts they name."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from pipeline.config import layers
from pipeline.config.config import Config
from pipeline.errors import CloudError, UsageError
from pipeline.gcp import job_history, job_status, jobs, metadata
from pipeline.gcp.bucket import Copies
from pipeline.gcp.rest import Rest
from pipeline.lineage import facts
from pipeline.metadata.records import Properties, Value, text_of
from pipeline.nodes import EVALUATOR, NOTIFIER, PUSHER, SCHEMA_VALIDATOR
from pipeline.recorded import (
    Anomalies,
    Evaluation,
    ExecutionKey,
    Override,
    Pushed,
    RunKey,
)
from pipeline.reports.nodes import Artifact, Node
from pipeline.reports.source import RecordedRun
from pipeline.runs import rows
from pipeline.runs.node_run import NodeRun
from pipeline.runs.outcome import Outcome
from pipeline.runs.start import RunStart
from pipeline.runs.summary import RunSummary
from pipeline.runs.verdict import Verdict
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import ending, progress, spending

Said = Mapping[str, Properties]
"""Task -> all that its outputs say of themselves."""

# What the page of a local run calls it.
_STATES = {"succeeded": "done"}
_IN_MLMD = {"SUCCEEDED": "COMPLETE", "SKIPPED": "CACHED"}


class VertexRuns:
    """The jobs of a configuration's project and region."""

    def __init__(self, config: Config, copies: Copies) -> None:
        """Jobs as the service has them, artifacts as they are copied from buckets."""
        self._config = config
        self._copies = copies
        self._jobs: dict[str, object] = {}

    def recorded(self, run_id: str) -> RecordedRun:
        """What the job says; no artifact is opened.

        Raises:
          UsageError: there is no such run, it has not ended, or it is none of ours.
        """
        job = self._jobs[run_id] = jobs.get(self._config, run_id)
        if jobs.state_of(job) not in jobs.ENDED:
            raise UsageError(
                f"{run_id} still runs: `python vertex_runner.py status {run_id} --wait`"
            )
        record = _record(job)
        if RunKey.CONFIG not in record:
            raise UsageError(
                f"{run_id} is not a run of Millrace: it recorded no settings"
            )
        said = {name: _said(task) for name, task in _tasks(job).items()}
        return RecordedRun(
            summary=_summary(self._config, job, said),
            config=_settings(record, job),
            start=RunStart(
                started=job.start_time.timestamp() if job.start_time else None,
                code=_code(record),
                log=job_status.console_link(job.name),
            ),
            told=self._told(run_id, said),
            nodes=[_node(task) for task in progress.tasks(job)],
        )

    def before(self, summary: RunSummary) -> str | None:
        """The newest job of the same pipeline that was made before, and ended."""
        name = job_history.before(self._config, self._jobs[summary.run_id])
        return name and name.rsplit("/", 1)[-1]

    def folder(self, uri: str, part: str) -> str:
        """A copy of the artifact's files, as far as their names begin so."""
        return self._copies.folder(uri, part)

    def _told(self, run_id: str, said: Said) -> list[Any]:
        """By the Notifier; or else what the exit handler left in the run's folder."""
        told = text_of(said.get(NOTIFIER, {}), RunKey.TOLD)
        if told:
            return json.loads(told)
        with contextlib.suppress(CloudError):
            folder = f"{self._config.runs_path}/{run_id}"
            left = Rest().read_json(f"{folder}/told.json") or {}
            return left.get("deliveries", [])
        return []


def _tasks(job: Any) -> dict[str, object]:
    return {task.task_name: task for task in progress.tasks(job)}


def _said(task: Any) -> Properties:
    """All that a task's outputs say."""
    found: dict[str, Value] = {}
    for listed in task.outputs.values():
        for artifact in listed.artifacts:
            found |= metadata.metadata_of(artifact)
    return found


def _record(job: Any) -> Properties:
    """What the job recorded of itself when it was compiled: a constant in its spec."""
    handler = Job.of_message(job).handler
    return metadata.json_of(handler.constants.get("record") if handler else None)


def _settings(record: Properties, job: Any) -> Properties:
    """The configuration, with what was given when the job was submitted."""
    settings = metadata.json_of(record[RunKey.CONFIG])
    keys = {key.replace(".", "_"): key for key, _ in layers.leaves(settings)}
    for name, text in dict(job.runtime_config.parameter_values).items():
        if name in keys and text != "":
            *parents, last = keys[name].split(".")
            holder = settings
            for parent in parents:
                holder = holder[parent]
            holder[last] = yaml.safe_load(str(text))
    return settings


def _code(record: Properties) -> str:
    commit = str(record.get(RunKey.COMMIT, ""))[:12]
    dirty = "-dirty" if record.get(RunKey.DIRTY) == "true" else ""
    return f"commit {commit}{dirty}" if commit else ""


def _summary(config: Config, job: Any, said: Said) -> RunSummary:
    """As a local run writes it down."""
    end = ending.of_job(config, job)
    pushed = said.get(PUSHER, {})
    verdict = _verdict(said.get(EVALUATOR, {}))
    refused = end.outcome is Outcome.NOT_BLESSED
    ended = RunSummary(
        run_id=job.name.rsplit("/", 1)[-1],
        pipeline=job.display_name,
        provider="vertex",
        outcome=end.outcome.name,
        node=EVALUATOR if refused else end.node,
        reasons=tuple(verdict.reasons if refused and verdict else end.reasons),
        nodes=tuple(_nodes(job, said)),
        unlabelled=metadata.json_of(
            said.get(SCHEMA_VALIDATOR, {}).get(Anomalies.UNLABELLED)
        ),
        pushed=text_of(pushed, Pushed.DESTINATION) or None,
        same_as=text_of(pushed, Pushed.REGISTERED) if Pushed.SAME_AS in pushed else "",
        overridden=facts.said(metadata.json_of(pushed.get(Override.SAID))),
        seconds=spending.seconds_of(job, job.update_time) or 0.0,
    )
    return ended.judged(verdict)


def _verdict(evaluation: Properties) -> Verdict | None:
    plain = metadata.json_of(evaluation.get(Evaluation.VERDICT))
    return Verdict.from_dict(plain) if plain else None


def _nodes(job: Any, said: Said) -> Iterator[NodeRun]:
    """The tasks that hold a machine; what came from the cache took none."""
    counted = metadata.counted_of({name: [dict(of)] for name, of in said.items()})
    read = {**rows.taken(counted.splits), EVALUATOR: counted.evaluated}
    machines = spending.machines_of(job) or {}
    for name, task in _tasks(job).items():
        if name in machines:
            state = progress.state_of(task)
            seconds = spending.seconds_of(task, job.end_time) or 0.0
            yield NodeRun(
                id=name,
                state=_STATES.get(state, state),
                seconds=0.0 if state == "cached" else seconds,
                rows=read.get(name),
            )


def _node(task: Any) -> Node:
    state = task.state.name
    return Node(
        id=task.task_name,
        state=_IN_MLMD.get(state, state),
        inputs=tuple(_artifacts(task.inputs)),
        outputs=tuple(_artifacts(task.outputs)),
        code_digest=text_of(_said(task), ExecutionKey.CODE_DIGEST),
    )


def _artifacts(listed: Any) -> Iterable[Artifact]:
    for key, each in listed.items():
        for artifact in each.artifacts:
            yield Artifact(
                id=artifact.name.rpartition("/")[2],
                key=key,
                type=artifact.schema_title.rpartition(".")[2],
                uri=artifact.uri,
            )
