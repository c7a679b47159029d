"""Which pipeline, run, model or data is meant; and what else it could have been."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence

from pipeline import content
from pipeline.errors import UsageError
from pipeline.lineage import graph
from pipeline.metadata.records import Artifact, Run, Store
from pipeline.recorded import Data, Payload, Pushed

LATEST = "latest"

_SHOWN = 10

_NOWHERE = ", neither by path, version, id, run nor content"


@dataclasses.dataclass(frozen=True)
class Model:
    """What a name led to."""

    artifact: Artifact
    notes: tuple[str, ...] = ()
    """How, when that is worth a word: by its content."""


def pipeline(store: Store, wanted: str | None, configured: str | None) -> str:
    """The pipeline to ask about.

    Args:
      store: may hold several, which are never mixed.
      wanted: on the command line.
      configured: the configuration's; it gives way to the only one there is.

    Raises:
      UsageError: it is not there, or nobody said which of several.
    """
    known = store.pipelines()
    if not known:
        raise UsageError(f"{store.where} is empty: no run has been recorded there")
    if (wanted or configured) in known:
        return str(wanted or configured)
    if wanted is None and len(known) == 1:
        return known[0]
    raise UsageError(
        f"{store.where} holds no pipeline '{wanted or configured or ''}'. "
        f"Name one with --pipeline: {_list(known)}"
    )


def run(store: Store, pipeline: str, name: str) -> Run:
    """The run of that name, or of the only name that begins so; 'latest' is the newest.

    Raises:
      UsageError: there is none, or there are several; where another pipeline has one,
        as a sample is a pipeline of its own, that is said.
    """
    light = store.runs(pipeline, ())
    if name == LATEST and light:
        found = [light[-1]]
    else:
        found = [each for each in light if each.id == name]
        found = found or [each for each in light if name and each.id.startswith(name)]
    if len(found) == 1:
        return store.run(pipeline, found[0].id)
    if found:
        ids = [each.id for each in found]
        raise UsageError(f"'{name}' may be {len(ids)} runs: {_list(ids)}")
    newest = [each.id for each in reversed(light)]
    raise UsageError(
        f"pipeline {pipeline} has no run '{_printable(name)}'"
        f"{_elsewhere(store, pipeline, name)}. Newest: {_list(newest)}"
    )


def _elsewhere(store: Store, pipeline: str, run_id: str) -> str:
    """That it is a run of another pipeline, as a sample is one of its own; or ''."""
    for other in store.pipelines():
        if other != pipeline and _has_run(store, other, run_id):
            return f": it is a run of pipeline {other} (--pipeline {other})"
    return ""


def _has_run(store: Store, pipeline: str, run_id: str) -> bool:
    return any(run_id == run.id for run in store.runs(pipeline, ()))


def model(store: Store, pipeline: str, name: str) -> Model:
    """The pushed or trained model that is meant.

    Args:
      store: where it is recorded.
      pipeline: whose it is.
      name: a pushed folder, a version, an artifact's id or URI, a run, the beginning of
        a content's digest (sha256:...), a folder that is a copy of a pushed one, or
        'latest': what the newest run pushed, or else trained.

    Raises:
      UsageError: there is none, or there are several.
    """
    if name == LATEST:
        name = run(store, pipeline, LATEST).id
    for look in (_by_name, _by_place):
        found = look(store, pipeline, name)
        if found:
            return Model(_only(store, found, name))
    found = _by_run(store, pipeline, name)
    if found:
        artifact = _only(store, found, name)
        return Model(artifact, _taken(store, pipeline, name, artifact))
    words = "is a copy of what was"
    found = _by_content(store, pipeline, name)
    if not found:
        words = "is a CHANGED copy, by its manifest of what was"
        found = _by_manifest(store, pipeline, name)
    if not found:
        raise UsageError(_no_model(store, pipeline, name))
    artifact = _only(store, found, name)
    note = f"{name} {words} pushed to {artifact.text(Pushed.DESTINATION)}"
    return Model(artifact, (note,) if os.path.isdir(name) else ())


def _by_name(store: Store, pipeline: str, name: str) -> list[Artifact]:
    """By version, and by id."""
    ids = store.having(pipeline, graph.PUSHED, Pushed.VERSION, name)
    known = store.artifacts_by_id([name], graph.PUSH_FACTS) if store.is_id(name) else []
    own = [a.id for a in known if a.id in store.with_uri(pipeline, a.uri)]
    return _models(store, {*ids, *own})


def _by_place(store: Store, pipeline: str, name: str) -> list[Artifact]:
    """By the pushed folder or the URI, or by what lies in it."""
    place = name.rstrip("/") if "://" in name else os.path.abspath(name)
    while place.strip("/") and not place.endswith(":/"):
        ids = {
            *store.having(pipeline, graph.PUSHED, Pushed.DESTINATION, place),
            *store.with_uri(pipeline, place),
        }
        found = _models(store, ids)
        if found:
            return found
        place = place.rpartition("/")[0]
    return []


def _by_run(store: Store, pipeline: str, name: str) -> list[Artifact]:
    """What a run pushed, or else trained."""
    executions = store.executions_of_run(pipeline, name)
    out = {e.artifact for e in store.events_of_executions(executions) if e.is_output}
    found = _models(store, out)
    return [a for a in found if a.type == graph.PUSHED] or found


def _taken(
    store: Store, pipeline: str, run_id: str, artifact: Artifact
) -> tuple[str, ...]:
    """That the run took it from the cache, and of which run; or nothing."""
    makers = graph.makers_of(store, pipeline, [artifact.id])
    maker = next(iter(store.runs_of(pipeline, makers.values()).values()), run_id)
    words = f"run {run_id} took this model from the cache; run {maker} made it"
    return () if maker == run_id else (words,)


def _by_content(store: Store, pipeline: str, name: str) -> list[Artifact]:
    if os.path.isdir(name):
        digest = content.digest(content.of_folder(name))
    else:
        digest = name.removeprefix("sha256:").lower()
        if not re.fullmatch(r"[0-9a-f]{8,64}", digest):
            return []
    ids = store.containing(pipeline, graph.PUSHED, Payload.DIGEST, digest)
    found = _models(store, ids)
    return [a for a in found if a.text(Payload.DIGEST).startswith(digest)]


def _by_manifest(store: Store, pipeline: str, name: str) -> list[Artifact]:
    """What a folder says that it is, whatever became of its other files."""
    file = os.path.join(name, content.NOTE)
    if not os.path.isfile(file):
        return []
    digest = content.of_file(file)["sha256"]
    return _models(store, store.having(pipeline, graph.PUSHED, Pushed.MANIFEST, digest))


def _models(store: Store, ids: Iterable[str]) -> list[Artifact]:
    """Those that are models, trained or pushed."""
    return [
        artifact
        for artifact in store.artifacts_by_id(ids, graph.PUSH_FACTS)
        if artifact.type == graph.MODEL or artifact.properties.get(Pushed.PUSHED) == 1
    ]


def _only(store: Store, found: Sequence[Artifact], name: str) -> Artifact:
    if len(found) > 1:
        lines = [f"  {_described(artifact)}" for artifact in found[:_SHOWN]]
        more = [f"  and {len(found) - _SHOWN} more"] * (len(found) > _SHOWN)
        raise UsageError(
            f"'{_printable(name)}' may be {len(found)} models; name one by its id or "
            "folder:\n" + "\n".join([*lines, *more])
        )
    [whole] = store.artifacts_by_id([found[0].id])
    return whole


def _described(artifact: Artifact) -> str:
    where = artifact.text(Pushed.DESTINATION) or artifact.uri
    return f"{artifact.id}  {artifact.type}  {_printable(where)}"


def _no_model(store: Store, pipeline: str, name: str) -> str:
    known = [
        artifact
        for type_ in (graph.PUSHED, graph.MODEL)
        for artifact in store.artifacts(pipeline, type_, graph.PUSH_FACTS)
        if type_ == graph.MODEL or artifact.properties.get(Pushed.PUSHED) == 1
    ]
    newest = sorted(known, key=lambda a: a.order, reverse=True)
    lines = [f"  {_described(artifact)}" for artifact in newest[:_SHOWN]]
    if _has_run(store, pipeline, name):
        words = f"run {name} made no model"
    else:
        words = f"pipeline {pipeline} has no model '{_printable(name)}'" + (
            _elsewhere(store, pipeline, name) or _NOWHERE
        )
    return "\n".join([f"{words}. Newest:", *(lines or ["  none"])])


@dataclasses.dataclass(frozen=True)
class DataFound:
    """The examples that some data is in."""

    examples: tuple[Artifact, ...]
    notes: tuple[str, ...] = ()


Look = Callable[[Store, str, str], DataFound]
"""Store, pipeline and name -> what is meant."""


def data(store: Store, pipeline: str, name: str) -> DataFound:
    """The Examples artifacts with that file, span or digest.

    Args:
      store: where they are recorded.
      pipeline: whose they are.
      name: a file (by its recorded path, its name, or its content wherever it lies
        now), span:N, sha256:HEX of a file, or an artifact's id.

    Raises:
      UsageError: nothing that was recorded is meant.
    """
    others = [
        other
        for other in store.pipelines()
        if other != pipeline and _learned_from(store, other, name, _ANYWHERE).examples
    ]
    words = f"pipeline {_list(others)} learned from data of that name or content"
    found = _learned_from(store, pipeline, name, _WAYS)
    if found.examples:
        notes = (*found.notes, f"{words} too") if others else found.notes
        return DataFound(found.examples, notes)
    known = store.artifacts(pipeline, graph.EXAMPLES, (Data.FILES, Data.FILES_ROOT))
    places = {
        os.path.join(a.text(Data.FILES_ROOT), str(entry["name"])): None
        for a in reversed(known)
        for entry in a.json(Data.FILES, [])
    }
    raise UsageError(
        f"pipeline {pipeline} learned from no data '{_printable(name)}', neither by "
        "path, name, content, span:N nor sha256:HEX. Newest: "
        f"{_list([_printable(place) for place in places])}"
        + (f". But {words}: --pipeline {others[0]}" if others else "")
    )


def _learned_from(
    store: Store, pipeline: str, name: str, looks: Sequence[Look]
) -> DataFound:
    return next(
        (found for look in looks if (found := look(store, pipeline, name)).examples),
        DataFound(()),
    )


def _by_span(store: Store, pipeline: str, name: str) -> DataFound:
    span = name.removeprefix("span:")
    if span == name or not store.is_id(span):
        return DataFound(())
    ids = store.having(pipeline, graph.EXAMPLES, Data.SPAN, int(span))
    return DataFound(tuple(store.artifacts_by_id(ids, ())))


def _by_digest(store: Store, pipeline: str, name: str) -> DataFound:
    digest = name.removeprefix("sha256:").lower()
    if not re.fullmatch(r"[0-9a-f]{8,64}", digest):
        return DataFound(())
    files = store.containing(
        pipeline, graph.EXAMPLES, Data.FILES, f'"sha256": "{digest}'
    )
    whole = store.containing(pipeline, graph.EXAMPLES, Data.FILES_DIGEST, digest)
    return DataFound(tuple(store.artifacts_by_id({*files, *whole}, ())))


def _by_id(store: Store, pipeline: str, name: str) -> DataFound:
    known = store.artifacts_by_id([name], ()) if store.is_id(name) else []
    ids = {
        i
        for uri in (name, *(a.uri for a in known))
        for i in store.with_uri(pipeline, uri)
    }
    found = store.artifacts_by_id(ids, ())
    return DataFound(
        tuple(a for a in found if a.type == graph.EXAMPLES and name in (a.id, a.uri))
    )


def _by_path(store: Store, pipeline: str, name: str) -> DataFound:
    """The path as recorded, or the file's name in the folder."""
    last = json.dumps(name.rstrip("/").rpartition("/")[2], ensure_ascii=False)[1:-1]
    ids = store.containing(pipeline, graph.EXAMPLES, Data.FILES, last)
    found = store.artifacts_by_id(ids, (Data.FILES, Data.FILES_ROOT))
    wanted = {name, name if "://" in name else os.path.abspath(name)}
    return DataFound(
        tuple(
            artifact
            for artifact in found
            if any(
                entry["name"] == name
                or os.path.join(artifact.text(Data.FILES_ROOT), entry["name"]) in wanted
                for entry in artifact.json(Data.FILES, [])
            )
        )
    )


def _by_file(store: Store, pipeline: str, name: str) -> DataFound:
    """A file that lies elsewhere now, or has another name: by what is in it."""
    if not os.path.isfile(name):
        return DataFound(())
    digest = content.of_file(name)["sha256"]
    ids = store.containing(pipeline, graph.EXAMPLES, Data.FILES, digest)
    found = store.artifacts_by_id(ids, (Data.FILES, Data.FILES_ROOT))
    places = {
        os.path.join(artifact.text(Data.FILES_ROOT), entry["name"])
        for artifact in found
        for entry in artifact.json(Data.FILES, [])
        if entry["sha256"] == digest
    }
    note = f"{name} was found by its content; it was read from {_list(sorted(places))}"
    return DataFound(tuple(found), (note,) if found else ())


_ANYWHERE: tuple[Look, ...] = (_by_digest, _by_path, _by_file)
"""A span and an id are a pipeline's own."""

_WAYS: tuple[Look, ...] = (_by_span, _by_digest, _by_id, _by_path, _by_file)


def _list(names: Iterable[str]) -> str:
    everything = list(names)
    shown = ", ".join(everything[:_SHOWN]) or "none"
    more = len(everything) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _printable(text: str) -> str:
    """On one line, without anything that a terminal obeys."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
