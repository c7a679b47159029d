"""why RUN: why its model was or was not pushed."""

from __future__ import annotations

import json

from pipeline.lineage import answers, facts, graph, names
from pipeline.metadata.records import Artifact, Execution, Store
from pipeline.recorded import Anomalies, ExecutionKey, Override, Pushed, RunKey
from pipeline.runs.verdict import Verdict

_ANOMALIES = "ExampleAnomalies"


def why(store: Store, pipeline: str, name: str) -> answers.Answer:
    """Threshold, value, baseline and slice; or the anomaly; or the error.

    Raises:
      UsageError: no such run, or several.
    """
    run = names.run(store, pipeline, name)
    executions = store.executions_by_id(store.executions_of_run(pipeline, run.id))
    out = {
        e.artifact
        for e in store.events_of_executions(e.id for e in executions)
        if e.is_output
    }
    made = store.artifacts_by_id(out)
    evaluations = [a for a in made if a.type == graph.EVALUATION]
    verdict = facts.verdict(evaluations[-1]) if evaluations else None
    checks = [check.to_dict() for check in verdict.checks] if verdict else []
    outcome = run.text(RunKey.OUTCOME)
    reasons = run.json(RunKey.REASONS, []) if outcome else [_cut_off(executions)]
    value = {
        "run": run.id,
        "outcome": facts.outcome(run),
        "node": run.text(RunKey.OUTCOME_NODE),
        **facts.overridden(run),
        "overrides": [
            {"execution": e.id, "state": e.state, **facts.overridden(e)}
            for e in executions
            if e.node == Override.TYPE
        ],
        "because": _because(reasons, verdict, made),
        "pushed": [
            facts.push(a)
            for a in made
            if a.type == graph.PUSHED and a.properties.get(Pushed.PUSHED) == 1
        ],
        "verdict": verdict.word if verdict else "",
        "checks_passed": sum(bool(check["passed"]) for check in checks),
        "checks_failed": [check for check in checks if not check["passed"]],
        "checks": checks,
        "slices_not_judged": list(verdict.unjudged) if verdict else [],
        "drifted": [
            line
            for artifact in made
            if artifact.type == _ANOMALIES
            for line in artifact.json(Anomalies.DRIFTED, [])
        ],
        "errors": [
            {"node": e.node, "error": error}
            for e in executions
            if (
                error := e.text(ExecutionKey.ERROR)
                or _of_tfx(e.text("__execution_result__"))
            )
        ],
    }
    return answers.Answer("why", pipeline, value)


def _because(
    reasons: list[str], verdict: Verdict | None, made: list[Artifact]
) -> list[str]:
    """The reasons in words, line by line; of a push, that everything passed."""
    said = reasons or (verdict.reasons if verdict else [])
    if said:
        return [line for reason in said for line in reason.splitlines()]
    withheld = [
        artifact.text(Pushed.REASON)
        for artifact in made
        if artifact.type == graph.PUSHED and artifact.text(Pushed.REASON)
    ]
    if withheld:
        return withheld
    checks = verdict.checks if verdict else ()
    return [f"all {len(checks)} checks passed"] if checks else []


def _cut_off(executions: list[Execution]) -> str:
    """Killed, or still at work; which of them, `orphans` can tell."""
    last = f"; it came to {executions[-1].node}" if executions else ""
    return f"no end is on record{last}. Killed, or still running: lineage orphans"


def _of_tfx(result: str) -> str:
    """What TFX stores where a node could not resolve its inputs."""
    if not result:
        return ""
    try:
        return str(json.loads(result).get("resultMessage", "")).strip()
    except ValueError:
        return result
