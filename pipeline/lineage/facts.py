"""Records in the words of an answer: the pieces that several questions share."""

from __future__ import annotations

import os
from typing import Any

from pipeline.lineage import graph
from pipeline.lineage.answers import iso
from pipeline.metadata import process
from pipeline.metadata.records import Artifact, Execution, Run, Store
from pipeline.recorded import (
    Blessing,
    Data,
    Evaluation,
    ExecutionKey,
    Override,
    Payload,
    Pushed,
    RunKey,
)
from pipeline.registry import versions
from pipeline.runs.verdict import Verdict

RUN_FACTS = (
    RunKey.OUTCOME,
    RunKey.OUTCOME_NODE,
    RunKey.PROCESS,
    RunKey.STARTED,
    RunKey.ENDED,
    RunKey.TRIGGER,
    RunKey.USER,
    RunKey.HOST,
    RunKey.COMMIT,
    RunKey.DIRTY,
    RunKey.PARTIAL,
    Override.SAID,
)
"""The properties of a run that a list needs: not its whole configuration."""


def model(artifact: Artifact) -> dict[str, object]:
    """A trained or pushed model."""
    return {
        "artifact": artifact.id,
        "type": artifact.type,
        "uri": artifact.uri,
        "state": artifact.state,
        "made": iso(artifact.created),
        "pushed_to": artifact.text(Pushed.DESTINATION),
        "version": artifact.text(Pushed.VERSION),
        "content_sha256": artifact.text(Payload.DIGEST),
        **_deleted(artifact),
        **overridden(artifact),
    }


def push(artifact: Artifact) -> dict[str, Any]:
    """Where and when a model was pushed."""
    return {
        "artifact": artifact.id,
        "version": artifact.text(Pushed.VERSION),
        "pushed_to": artifact.text(Pushed.DESTINATION),
        "at": iso(artifact.created),
        "state": artifact.state,
        **_deleted(artifact),
        **overridden(artifact),
    }


def deleted(artifact: Artifact) -> str:
    """By whom and when the files were dropped; '' when that is not on record."""
    at = iso(artifact.text(Payload.DELETED_AT))
    return f"deleted by gc on {at}" if at and artifact.state == "DELETED" else ""


def overridden(described: Artifact | Run | Execution) -> dict[str, str]:
    """`overridden`: by whom, when and why; nothing when the verdict was kept to."""
    words = said(described.json(Override.SAID, {}))
    return {"overridden": words} if words else {}


def said(spoken: Any) -> str:
    """A person's word against the verdict, on one line; '' of {}."""
    return versions.Override.from_dict(spoken).words if spoken else ""


def _deleted(artifact: Artifact) -> dict[str, str]:
    words = deleted(artifact)
    return {"files": words} if words else {}


def data(examples: Artifact) -> dict[str, Any]:
    """What a model learned from; the files are listed by `files`."""
    return {
        "artifact": examples.id,
        "folder": examples.text(Data.FILES_ROOT),
        "files_digest": examples.text(Data.FILES_DIGEST),
        "fingerprint": examples.text(Data.FINGERPRINT),
        "span": examples.text(Data.SPAN),
        "rows": examples.json(Data.ROWS, {}),
        "rows_rejected": examples.properties.get(Data.ROWS_REJECTED),
        "time_column": examples.text(Data.TIME_COLUMN),
        "time_range": examples.json(Data.TIME_RANGE, []),
        "content_sha256": examples.text(Payload.DIGEST),
        **_deleted(examples),
    }


def files(examples: Artifact) -> list[dict[str, Any]]:
    """The raw files: path, size, sha256."""
    folder = examples.text(Data.FILES_ROOT)
    return [
        {
            "path": os.path.join(folder, str(entry["name"])),
            "size": entry["size"],
            "sha256": entry["sha256"],
        }
        for entry in examples.json(Data.FILES, [])
    ]


def outcome(run: Run) -> str:
    """The run's word; without one it still runs, or was cut off."""
    said = run.text(RunKey.OUTCOME)
    lives = not said and process.lives(run.text(RunKey.PROCESS))
    return said or ("RUNNING" if lives else "CUT OFF")


def run(run: Run) -> dict[str, Any]:
    """Who, when, where and with which code and settings."""
    return {
        "run": run.id,
        "outcome": outcome(run),
        **overridden(run),
        "started": iso(run.text(RunKey.STARTED) or run.created),
        "ended": iso(run.text(RunKey.ENDED)),
        "trigger": run.text(RunKey.TRIGGER),
        "user": run.text(RunKey.USER),
        "host": run.text(RunKey.HOST),
        "image": run.text(RunKey.IMAGE),
        "commit": run.text(RunKey.COMMIT),
        "dirty": run.text(RunKey.DIRTY) == "true",
        "diff_digest": run.text(RunKey.DIFF_DIGEST),
        "config_digest": run.text(RunKey.CONFIG_DIGEST),
        "lock_digest": run.text(RunKey.LOCK_DIGEST),
        "versions": run.json(RunKey.VERSIONS, {}),
    }


def brief(run: Run) -> dict[str, object]:
    """One line of a list of runs."""
    started = run.text(RunKey.STARTED) or str(run.created)
    ended = run.text(RunKey.ENDED)
    return {
        "run": run.id,
        "outcome": outcome(run),
        **overridden(run),
        "node": run.text(RunKey.OUTCOME_NODE),
        "started": iso(started),
        "seconds": round(float(ended) - float(started), 1) if ended else None,
        "trigger": run.text(RunKey.TRIGGER),
        "commit": run.text(RunKey.COMMIT)[:12]
        + "+" * (run.text(RunKey.DIRTY) == "true"),
    }


def step(execution: Execution, run_id: str) -> dict[str, object]:
    """One node's work."""
    return {
        "node": execution.node,
        "execution": execution.id,
        "run": run_id,
        "state": execution.state,
        "seconds": execution.properties.get(ExecutionKey.SECONDS),
        "rows_in": execution.properties.get(ExecutionKey.ROWS_IN),
        "rows_out": execution.properties.get(ExecutionKey.ROWS_OUT),
        "code_digest": execution.text(ExecutionKey.CODE_DIGEST),
    }


def metrics(evaluation: Artifact | None) -> dict[str, float]:
    """Overall metrics of the candidate; {} where there are none."""
    return evaluation.json(Evaluation.METRICS, {}) if evaluation else {}


def verdict(evaluation: Artifact | None) -> Verdict | None:
    """The whole verdict; None of a run before it was recorded."""
    found = evaluation.json(Evaluation.VERDICT, {}) if evaluation else {}
    return Verdict.from_dict(found) if found else None


def word(evaluation: Artifact | None) -> str:
    """The verdict's word; '' where there is none."""
    found = verdict(evaluation)
    return found.word if found else ""


def outputs(store: Store, pipeline: str, run_id: str, type_: str) -> list[Artifact]:
    """What a run put out of that type, made or taken from the cache."""
    executions = store.executions_of_run(pipeline, run_id)
    out = [e.artifact for e in store.events_of_executions(executions) if e.is_output]
    return [a for a in store.artifacts_by_id(out) if a.type == type_]


def judged(store: Store, pipeline: str, above: graph.Ancestry) -> Artifact | None:
    """The evaluation that let the model be pushed, or else the newest of the model."""
    judges = {above.makers.get(b.id, "") for b in above.of_type(graph.BLESSING)}
    if not judges:
        found = _evaluations(store, pipeline, above.model())
        return found[-1] if found else None
    out = [e.artifact for e in store.events_of_executions(judges - {""}) if e.is_output]
    found = [a for a in store.artifacts_by_id(out) if a.type == graph.EVALUATION]
    return found[-1] if found else None


def _evaluations(store: Store, pipeline: str, model: Artifact) -> list[Artifact]:
    """Every evaluation of the model as a candidate, in the order of writing.

    Beside it a judge writes a blessing, which names the candidate.
    """
    taken = [
        e.execution
        for e in store.events_of_artifacts(pipeline, [model.id])
        if not e.is_output
    ]
    out: dict[str, list[str]] = {}
    for event in store.events_of_executions(taken):
        if event.is_output:
            out.setdefault(event.execution, []).append(event.artifact)
    made = {
        a.id: a for a in store.artifacts_by_id(i for ids in out.values() for i in ids)
    }
    found: dict[str, Artifact] = {}
    for ids in out.values():
        blessings = [made[i] for i in ids if made[i].type == graph.BLESSING]
        candidates = {b.text(Blessing.CANDIDATE) for b in blessings}
        if model.uri in candidates:  # in others it was the baseline
            found |= {i: made[i] for i in ids if made[i].type == graph.EVALUATION}
    return sorted(found.values(), key=lambda artifact: artifact.order)
