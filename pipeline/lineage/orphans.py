"""orphans: what the store and the disk do not agree about, and a plan to mend it."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from pipeline.lineage import answers, graph
from pipeline.lineage.answers import iso
from pipeline.metadata import connections, payload, process
from pipeline.metadata.ownership import Owner
from pipeline.metadata.records import Artifact, Execution, Run, Store
from pipeline.nodes import PUSHER
from pipeline.recorded import Override, Pushed, RunKey

_OPEN = ("NEW", "RUNNING")
_HALF = re.compile(r"\.incoming-\d+-(\d+)")
"""What a push copies beside the versions; its process's number is in the name."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What `--fix` does."""

    executions: tuple[str, ...]
    """To be marked as failed."""

    overrides: tuple[str, ...]
    """To be ended as the registry says: their model may be served."""

    pushes: tuple[str, ...]
    """The same of the Pusher's executions; failed, where it was not moved in."""

    artifacts: tuple[str, ...]
    """To be marked as deleted."""

    folders: tuple[str, ...]
    """To be removed."""

    def __bool__(self) -> bool:
        return any(vars(self).values())


def orphans(
    store: Store,
    pipeline: str,
    artifacts_path: str | None,
    serving_path: str | None,
    owner: Owner | None = None,
) -> tuple[answers.Answer, Plan]:
    """Executions without a process, artifacts without files, files without an artifact.

    Args:
      store: where they are recorded.
      pipeline: whose they are.
      artifacts_path: where the nodes write; None leaves files out.
      serving_path: where versions are pushed to.
      owner: the output root; files and processes of another are not to be seen here.

    Returns:
      What was found, and what would mend it. Versions that nobody recorded serve
      perhaps; they are told, and never removed.
    """
    work = _work(store, pipeline)
    artifacts = [
        artifact
        for type_ in graph.TYPES
        for artifact in store.artifacts(pipeline, type_, graph.PUSH_FACTS)
    ]
    empty = _empty(artifacts, owner)
    overrides = {e.id for e in work.dead if e.node == Override.TYPE}
    pushes = {e.id for e in work.dead if e.node == PUSHER}
    folders = [
        *_folders(artifacts_path, store, work.live | overrides | pushes),
        *_halves(serving_path),
    ]
    versions = _versions(serving_path, {a.text(Pushed.DESTINATION) for a in artifacts})
    value = {
        "executions_without_a_process": work.rows,
        "artifacts_without_files": [
            {"artifact": a.id, "type": a.type, "uri": a.uri} for a in empty
        ],
        "files_without_an_artifact": [{"path": path} for path in folders],
        "versions_that_nobody_recorded": [{"path": path} for path in versions],
    }
    plan = Plan(
        executions=tuple(e.id for e in work.dead if e.id not in overrides | pushes),
        overrides=tuple(sorted(overrides)),
        pushes=tuple(sorted(pushes)),
        artifacts=tuple(a.id for a in empty),
        folders=tuple(folders),
    )
    return answers.Answer("orphans", pipeline, value), plan


@dataclasses.dataclass
class _Work:
    """Executions that are open in the store."""

    live: set[str] = dataclasses.field(default_factory=set)
    """Their process runs here."""

    dead: list[Execution] = dataclasses.field(default_factory=list)
    """Their process is gone."""

    rows: list[dict[str, str]] = dataclasses.field(default_factory=list)
    """What is to be said of those that do not live."""


def _work(store: Store, pipeline: str) -> _Work:
    open_ = store.executions_in(pipeline, _OPEN)
    runs = store.runs_of(pipeline, [execution.id for execution in open_])
    known = {run.id: run for run in store.runs(pipeline, (RunKey.PROCESS,))}
    found = _Work()
    for execution in open_:
        run = known.get(runs.get(execution.id, ""))
        lives = process.lives(_process(execution, run))
        if lives:
            found.live.add(execution.id)
            continue
        if lives is False:
            found.dead.append(execution)
        found.rows.append(
            {
                "execution": execution.id,
                "node": execution.node,
                "run": run.id if run else "",
                "since": iso(execution.created),
                "process": "gone" if lives is False else "of another host, or unknown",
            }
        )
    return found


def _empty(artifacts: Iterable[Artifact], owner: Owner | None) -> list[Artifact]:
    """Those that live in the store and nowhere else, as far as it is to be seen."""
    empty = [
        artifact
        for artifact in artifacts
        if artifact.state == "LIVE"
        and not payload.exists(artifact.uri, artifact.properties)
    ]
    if owner is None:
        return empty
    mine = set(owner.artifacts(artifact.id for artifact in empty))
    return [artifact for artifact in empty if artifact.id in mine]


def fix(uri: str, plan: Plan) -> None:
    """Carries out the plan, but for what the registry ends; the caller has the lock.

    Args:
      uri: of the configuration's `store`.
      plan: what `orphans` found.

    Raises:
      UsageError: the store cannot be written.
      StoreAway: its server does not answer now.
    """
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    from pipeline.metadata import library

    connections.require_writable(uri, "orphans --fix")
    store = library.opened(uri)
    ids = [int(id_) for id_ in (*plan.executions, *plan.pushes)]
    executions = [
        execution
        for execution in store.get_executions_by_id(ids)
        if execution.last_known_state in (mlmd.Execution.NEW, mlmd.Execution.RUNNING)
    ]
    for execution in executions:
        execution.last_known_state = mlmd.Execution.FAILED
    artifacts = store.get_artifacts_by_id([int(id_) for id_ in plan.artifacts])
    for artifact in artifacts:
        artifact.state = mlmd.Artifact.DELETED
    if executions:
        store.put_executions(executions)
    if artifacts:
        store.put_artifacts(artifacts)
    for folder in plan.folders:
        shutil.rmtree(folder)


def _process(execution: Execution, run: Run | None) -> str:
    """Its own, when it is not the run's: an override comes when the run is over."""
    return execution.text(Override.PROCESS) or (run.text(RunKey.PROCESS) if run else "")


def _folders(root: str | None, store: Store, spared: Collection[str]) -> list[str]:
    """TFX's layout is NODE/OUTPUT/EXECUTION; another pipeline may share the root.

    What an execution writes is an artifact only when it is done: those that live, and
    those whose record is still to be ended, are spared.
    """
    if root is None or not os.path.isdir(root):
        return []
    uris = {
        artifact.uri
        for name in store.pipelines()
        for type_ in graph.TYPES
        for artifact in store.artifacts(name, type_, ())
    }
    # A value's artifact is a file in its folder.
    kept = uris | {os.path.dirname(uri) for uri in uris}
    return [
        str(folder)
        for folder in sorted(Path(root).glob("[!.]*/[!.]*/*"))
        if folder.is_dir() and str(folder) not in kept and folder.name not in spared
    ]


def _halves(serving_path: str | None) -> list[str]:
    """What a push that was killed had copied."""
    if serving_path is None:
        return []
    return [
        str(folder)
        for folder in sorted(Path(serving_path).glob(".incoming-*"))
        if (name := _HALF.fullmatch(folder.name))
        and not Path("/proc", name[1]).exists()
    ]


def _versions(serving_path: str | None, pushed: set[str]) -> list[str]:
    if serving_path is None or not os.path.isdir(serving_path):
        return []
    return [
        str(folder)
        for folder in sorted(Path(serving_path).iterdir())
        if folder.is_dir() and folder.name.isdigit() and str(folder) not in pushed
    ]
