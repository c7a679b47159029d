"""verify MODEL: are the bytes still those that were recorded?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline import content
from pipeline.lineage import answers, facts, graph, names
from pipeline.metadata import payload
from pipeline.metadata.records import Artifact, Store
from pipeline.recorded import Data, Payload, Pushed

INTACT, CHANGED, MISSING = "intact", "changed", "missing"
MOVED, REMOTE, UNRECORDED = "moved", "not reachable from here", "not recorded"
DELETED = "deleted"
"""On purpose: by `gc`, or by hand and then noticed by a run."""
_GOOD = (INTACT, MOVED)
_NEITHER = (UNRECORDED, REMOTE, DELETED)

Row = dict[str, object]


def verify(
    store: Store, pipeline: str, name: str | None, data: Sequence[str] = ()
) -> answers.Answer:
    """Digests of the pushed files, of the examples and of the raw files, computed anew.

    Args:
      store: where they are recorded.
      pipeline: whose they are.
      name: of a model; None for every push and all data.
      data: folders to look in for raw files that are not where they were.

    Raises:
      UsageError: no such model, or several.
    """
    notes: tuple[str, ...] = ()
    if name is None:
        pushes = [
            push
            for push in store.artifacts(pipeline, graph.PUSHED)
            if push.properties.get(Pushed.PUSHED) == 1
        ]
        examples = store.artifacts(pipeline, graph.EXAMPLES)
    else:
        found = names.model(store, pipeline, name)
        above = graph.ancestry(store, pipeline, found.artifact)
        pushes = [found.artifact] if found.artifact.type == graph.PUSHED else []
        examples, notes = above.of_type(graph.EXAMPLES), found.notes
    rows = [row for push in pushes for row in _of_push(push)]
    if name is not None:
        rows += [row for push in pushes for row in _of_copy(push, name)]
    rows += [row for each in examples for row in _of_examples(each, data)]
    bad = [
        row for row in rows if row["state"] not in (*_GOOD, UNRECORDED, REMOTE, DELETED)
    ]
    value = {
        "intact": not bad,
        "checked": len(rows),
        "not_intact": len(bad),
        "rows": rows,
    }
    return answers.Answer("verify", pipeline, value, notes, good=not bad)


def _of_push(push: Artifact) -> Iterator[Row]:
    destination = push.text(Pushed.DESTINATION)
    if push.state == "DELETED":
        yield _gone("pushed model", push, destination)
        return
    yield _row("pushed model", push, destination)
    if push.uri != destination:
        yield _row("its copy in the artifacts", push, push.uri)


def _of_copy(push: Artifact, name: str) -> Iterator[Row]:
    """Of a folder that is neither the pushed one nor the artifact's, nor in them."""
    place = os.path.abspath(name)
    known = (push.text(Pushed.DESTINATION), push.uri)
    if os.path.isdir(place) and not any(f"{place}/".startswith(f"{k}/") for k in known):
        yield _row("the copy", push, place)


def _of_examples(examples: Artifact, data: Sequence[str]) -> Iterator[Row]:
    if examples.state == "DELETED":
        yield _gone("examples", examples, examples.uri)
    else:
        yield _row("examples", examples, examples.uri)
    recorded = facts.files(examples)
    if not recorded:
        place = examples.text(Data.FILES_ROOT)
        yield _line("raw data", examples, place, UNRECORDED, "no list of files")
    for file in recorded:
        yield _of_file(examples, file, data)


def _gone(what: str, artifact: Artifact, place: str) -> Row:
    words = facts.deleted(artifact) or artifact.text(Payload.DAMAGED)
    words = words or "marked as deleted; it is not on record when"
    return _line(what, artifact, place, DELETED, words)


def _row(what: str, artifact: Artifact, place: str) -> Row:
    folder = payload.here(place)
    if folder is None:
        return _line(what, artifact, place, REMOTE)
    state = _state(folder, artifact)
    word, _, detail = state.partition(": ")
    return _line(what, artifact, place, word, detail)


def _state(folder: Path, artifact: Artifact) -> str:
    """The word, and which files it is about."""
    recorded: content.Content = artifact.json(Payload.CONTENT, {})
    if not recorded:
        return UNRECORDED
    if not folder.is_dir():
        return MISSING
    details = [
        *_of_manifest(folder, artifact),
        *content.differences(str(folder), recorded, thorough=True),
    ]
    return f"{CHANGED}: {', '.join(details)}" if details else INTACT


def _of_manifest(folder: Path, artifact: Artifact) -> list[str]:
    """It is no part of the content, and has a digest of its own on record."""
    recorded = artifact.text(Pushed.MANIFEST)
    file = folder / content.NOTE
    if not recorded:
        return []
    if not file.is_file():
        return [f"{content.NOTE} is missing"]
    differs = content.of_file(str(file))["sha256"] != recorded
    return [f"{content.NOTE} differs"] if differs else []


def _of_file(examples: Artifact, file: Row, data: Sequence[str]) -> Row:
    path = str(file["path"])
    place = payload.here(path)
    if place is None:
        return _line("raw file", examples, path, REMOTE)
    if place.is_file() and _is(place, file):
        return _line("raw file", examples, path, INTACT)
    moved = _moved(file, [*data, str(place.parent)])
    if moved is not None:
        return _line(
            "raw file", examples, path, MOVED, f"the same bytes are in {moved}"
        )
    state = CHANGED if place.is_file() else MISSING
    return _line("raw file", examples, path, state)


def _moved(file: Row, folders: Sequence[str]) -> Path | None:
    """The file under another name or place, known by its content."""
    for folder in folders:
        for found in sorted(Path(folder).rglob("*")):
            if found.is_file() and _is(found, file):
                return found
    return None


def _is(place: Path, file: Row) -> bool:
    """Sizes first: only a file of the same size is read."""
    if place.stat().st_size != file["size"]:
        return False
    return content.of_file(str(place))["sha256"] == file["sha256"]


def _line(
    what: str, artifact: Artifact, path: str, state: str, detail: str = ""
) -> Row:
    return {
        "what": what,
        "artifact": artifact.id,
        "path": path,
        "state": state,
        "detail": detail,
    }
