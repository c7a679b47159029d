"""runs, show, champion and timeline: what happened, in the order of writing.

Order is that of the store's ids. Clocks go backwards; ids do not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.errors import UsageError
from pipeline.lineage import answers, facts, graph, names
from pipeline.lineage.answers import iso
from pipeline.metadata.records import Artifact, Run, Store
from pipeline.recorded import Blessing, Pushed, RunKey
from pipeline.registry.versions import Move

_BACKWARDS = (
    "the clock went backwards between these records; their order is that of writing"
)

_UNRECORDED = (
    "the registry serves this version, and its push is not on record here: if it was "
    "cut off, the next run, `gate override` or `orphans --fix` ends the record"
)


def runs(
    store: Store,
    pipeline: str,
    *,
    failed: bool = False,
    pushed: bool = False,
    since: float | None = None,
) -> answers.Answer:
    """The runs, newest first.

    Args:
      store: where they are recorded.
      pipeline: whose they are.
      failed: only those that did not succeed.
      pushed: only those that pushed a model.
      since: only those that started at that time or later; seconds since 1970.
    """
    found = store.runs(pipeline, facts.RUN_FACTS)
    versions = _versions(store, pipeline)
    rows = [
        {**facts.brief(run), "pushed": versions.get(run.id, "")}
        for run in reversed(found)
        if not (failed and run.text(RunKey.OUTCOME) == "SUCCEEDED")
        and not (pushed and run.id not in versions)
        and (since is None or _started(run) >= since)
    ]
    notes = _notes([_started(run) for run in found])
    return answers.Answer("runs", pipeline, {"runs": rows}, notes)


def show(store: Store, pipeline: str, name: str) -> answers.Answer:
    """Everything recorded of one run.

    Raises:
      UsageError: no such run, or several.
    """
    run = names.run(store, pipeline, name)
    executions = store.executions_by_id(store.executions_of_run(pipeline, run.id))
    value = {
        **facts.run(run),
        "reasons": run.json(RunKey.REASONS, []),
        "partial": run.text(RunKey.PARTIAL) == "true",
        "inputs_digest": run.text(RunKey.INPUTS_DIGEST),
        "steps": [facts.step(execution, run.id) for execution in executions],
        "data": [
            facts.data(e)
            for e in facts.outputs(store, pipeline, run.id, graph.EXAMPLES)
        ],
        "pushed": [
            facts.push(p)
            for p in facts.outputs(store, pipeline, run.id, graph.PUSHED)
            if p.properties.get(Pushed.PUSHED) == 1
        ],
        "told": [_told(delivery) for delivery in run.json(RunKey.TOLD, [])],
        "config": run.json(RunKey.CONFIG, {}),
    }
    return answers.Answer("show", pipeline, value)


def champion(
    store: Store,
    pipeline: str,
    at: float | None = None,
    moves: Sequence[Move] = (),
) -> answers.Answer:
    """What was served at a time: the newest push, or what a registry's move says.

    A push that waits to be promoted is not served.

    Args:
      store: where the pushes are recorded.
      pipeline: whose they are.
      at: seconds since 1970; None is now.
      moves: of the champion by people, in their order; each overrules the pushes
        before it.
    """
    pushes = _pushes(store, pipeline)
    current, move = _served(pushes, at, moves)
    value: dict[str, object] = {
        "at": iso(at) if at is not None else "now",
        "champion": {},
    }
    if move is not None and current is None:
        value |= {"champion": {"version": move.champion}, "by": _by(move)}
    if current is not None:
        [whole] = store.artifacts_by_id([current.id])
        run_id = _makers_runs(store, pipeline, [current.id]).get(current.id, "")
        value["champion"] = {**facts.model(whole), "run": run_id}
        value["by"] = _by(move) if move else "push"
    notes = _notes([p.created for p in pushes])
    if current is not None and current.state == "DELETED":
        notes = (*notes, "the files of this push are marked as deleted by now")
    if current is None and move is not None:
        notes = (*notes, _UNRECORDED)
    elif current is None:
        notes = (*notes, "nothing was pushed until then")
    return answers.Answer("champion", pipeline, value, notes)


def champion_now(
    store: Store, pipeline: str, moves: Sequence[Move] = ()
) -> Artifact | None:
    """The push that is served; None before the first."""
    return _served(_pushes(store, pipeline), None, moves)[0]


def newest_push(store: Store, pipeline: str) -> Artifact | None:
    """Served or not; None before the first."""
    ids = store.having(pipeline, graph.PUSHED, Pushed.PUSHED, 1)
    found = store.artifacts_by_id(ids[-1:], graph.PUSH_FACTS)
    return found[0] if found else None


def timeline(
    store: Store,
    pipeline: str,
    model_name: str | None = None,
    moves: Sequence[Move] = (),
) -> answers.Answer:
    """What became of the models of one name: trained, judged, pushed, moved, deleted.

    Args:
      store: where they are recorded.
      pipeline: whose they are.
      model_name: of the models; None is that of the pipeline.
      moves: of the champion by people, in their order.

    Raises:
      UsageError: the pipeline pushes models of another name.
    """
    if model_name not in (None, pipeline):
        raise UsageError(
            f"there is no model '{model_name}' here. Known: {pipeline} (the name of "
            "the pipeline is that of its model)"
        )
    blessings = store.artifacts(
        pipeline, graph.BLESSING, (Blessing.BLESSED, Blessing.WORD)
    )
    models = store.artifacts(pipeline, graph.MODEL, ())
    pushes = _pushes(store, pipeline)
    events = [
        *[(m, "trained", "") for m in models],
        *[(b, _judged(b), b.text(Blessing.WORD)) for b in blessings],
        *[(p, *_pushed(p)) for p in pushes],
    ]
    events.sort(key=lambda event: event[0].order)
    of_run = _makers_runs(store, pipeline, [artifact.id for artifact, _, _ in events])
    rows = [
        {
            "at": iso(artifact.created),
            "what": what,
            "artifact": artifact.id,
            "detail": detail,
            "run": of_run.get(artifact.id, ""),
            "state": artifact.state,
        }
        for artifact, what, detail in events
    ]
    times = [artifact.created for artifact, _, _ in events]
    for move in moves:
        if move.action in _MOVED:
            place = sum(1 for _ in itertools.takewhile(move.at.__ge__, times))
            times.insert(place, move.at)
            rows.insert(place, _moved(move, pushes))
    return answers.Answer("timeline", pipeline, {"events": rows}, _notes(times))


_MOVED = {"promote": "promoted", "rollback": "rolled back to"}


def _moved(move: Move, pushes: Sequence[Artifact]) -> dict[str, str]:
    """A row of the timeline; an override is one already, by its push."""
    push = _push_of(move, pushes)
    return {
        "at": iso(move.at),
        "what": _MOVED[move.action],
        "artifact": push.id if push else "",
        "detail": f"{move.champion}, by {move.actor}: {move.reason}",
        "run": "",
        "state": push.state if push else "",
    }


def _judged(blessing: Artifact) -> str:
    return "blessed" if blessing.properties.get(Blessing.BLESSED) == 1 else "refused"


def _pushed(push: Artifact) -> tuple[str, str]:
    said = facts.overridden(push).get("overridden")
    version = push.text(Pushed.VERSION)
    return ("overridden", f"{version}, {said}") if said else ("pushed", version)


def _pushes(store: Store, pipeline: str) -> list[Artifact]:
    found = store.artifacts(pipeline, graph.PUSHED, graph.PUSH_FACTS)
    return [
        artifact for artifact in found if artifact.properties.get(Pushed.PUSHED) == 1
    ]


def _served(
    pushes: Sequence[Artifact], at: float | None, moves: Sequence[Move]
) -> tuple[Artifact | None, Move | None]:
    """What was served then, and the move that made it so; None: its own push did."""
    served = [p for p in pushes if p.properties.get(Pushed.CHAMPION, 1) == 1]
    current = next((p for p in reversed(served) if at is None or p.created <= at), None)
    move = next((m for m in reversed(moves) if at is None or m.at <= at), None)
    if move is None or (current is not None and move.at < current.created):
        return current, None
    return _push_of(move, pushes), move


def _push_of(move: Move, pushes: Sequence[Artifact]) -> Artifact | None:
    """Of the version that became the champion; Vertex's registry numbers its own."""
    for push in reversed(pushes):
        registered = push.text(Pushed.REGISTERED).rpartition("@")[2]
        if move.champion in (push.text(Pushed.VERSION), registered):
            return push
    return None


def _by(move: Move) -> dict[str, object]:
    """Who moved the champion, how, why and when."""
    return {
        "action": move.action,
        "version": move.champion,
        "actor": move.actor,
        "reason": move.reason,
        "at": iso(move.at),
    }


def _versions(store: Store, pipeline: str) -> dict[str, str]:
    """Run -> version that it pushed; what it took from the cache it did not push."""
    pushes = _pushes(store, pipeline)
    runs = _makers_runs(store, pipeline, [push.id for push in pushes])
    return {runs.get(push.id, ""): push.text(Pushed.VERSION) for push in pushes}


def _makers_runs(
    store: Store, pipeline: str, artifacts: Iterable[str]
) -> dict[str, str]:
    """Artifact -> the run that made it."""
    makers = graph.makers_of(store, pipeline, artifacts)
    runs = store.runs_of(pipeline, set(makers.values()))
    return {artifact: runs.get(maker, "") for artifact, maker in makers.items()}


def _started(run: Run) -> float:
    return float(run.text(RunKey.STARTED) or run.created)


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    """With its time as every other time of an answer."""
    return {**record, "at": iso(record.get("at", ""))}


def _notes(times: Sequence[float]) -> tuple[str, ...]:
    ordered = all(a <= b for a, b in itertools.pairwise(times))
    return () if ordered else (_BACKWARDS,)
