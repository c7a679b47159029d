"""A statement of who made a model of what: in-toto Statement v1, SLSA provenance v1."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from pipeline.exports.subject import URN, Subject, began, moment, require_pushed
from pipeline.lineage import facts
from pipeline.recorded import Pushed, RunKey
from pipeline.registry import manifest

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
PAYLOAD = "application/vnd.in-toto+json"

Json = dict[str, object]


class Resource(TypedDict, total=False):
    """in-toto's ResourceDescriptor: something, by its digest."""

    name: str
    uri: str
    digest: dict[str, str]


def statement(subject: Subject) -> Json:
    """From the record alone, and the same for the same model.

    Raises:
      UsageError: the model was not pushed.
    """
    require_pushed(subject, "a statement")
    return {
        "_type": TYPE,
        "subject": subjects(subject),
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": _definition(subject),
            "runDetails": _details(subject),
        },
    }


def text(value: Json) -> bytes:
    """The bytes that are signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def subjects(subject: Subject) -> list[Resource]:
    """Every file of the pushed model, its manifest first."""
    digest = subject.artifact.text(Pushed.MANIFEST)
    found = [_named(manifest.FILE, digest)] if digest else []
    files = sorted(subject.files.items())
    return found + [_named(name, file["sha256"]) for name, file in files]


def materials(subject: Subject) -> list[Resource]:
    """Commit, lock, image, schema and every raw file, by their digests."""
    run = subject.trained
    commit, lock = run.text(RunKey.COMMIT), run.text(RunKey.LOCK_DIGEST)
    image = run.text(RunKey.IMAGE)
    found: list[Resource] = []
    if commit:
        code = f"git+file://{run.text(RunKey.ROOT)}@{commit}"
        found.append({"uri": code, "digest": {"gitCommit": commit}})
    if lock:
        found.append(_named("requirements/main.lock", lock))
    if image:
        _, _, sha256 = image.partition("@sha256:")
        digest = {"sha256": sha256} if sha256 else {}
        found.append(Resource(uri=image, digest=digest) if digest else {"uri": image})
    found += [_named("schema", digest) for digest in subject.schema_digests]
    return found + [
        Resource(uri=_uri(file["path"]), digest={"sha256": file["sha256"]})
        for file in subject.data_files
    ]


def _definition(subject: Subject) -> Json:
    run = subject.trained
    difference = run.text(RunKey.DIFF_DIGEST)
    return {
        "buildType": f"{URN}:tfx-pipeline:v1",
        "externalParameters": {
            "pipeline": subject.pipeline,
            "configuration": {"sha256": run.text(RunKey.CONFIG_DIGEST)},
            "trigger": run.text(RunKey.TRIGGER),
        },
        "internalParameters": {
            "dirty": run.text(RunKey.DIRTY) == "true",
            **({"difference": {"sha256": difference}} if difference else {}),
            "versions": run.json(RunKey.VERSIONS, {}),
            "trained_in": run.id,
            **facts.overridden(subject.artifact),
        },
        "resolvedDependencies": materials(subject),
    }


def _details(subject: Subject) -> Json:
    run = subject.own
    ended = moment(run.text(RunKey.ENDED))
    host = facts.run(run)["host"] or "unknown"
    metadata = {"invocationId": run.id, "startedOn": _iso(began(run))}
    return {
        "builder": {"id": f"{URN}:host:{host}"},
        "metadata": {**metadata, **({"finishedOn": _iso(ended)} if ended else {})},
    }


def _named(name: str, sha256: str) -> Resource:
    return {"name": name, "digest": {"sha256": sha256}}


def _uri(path: str) -> str:
    return path if "://" in path else f"file://{path}"


def _iso(at: Any) -> str:
    return str(at.isoformat(timespec="milliseconds")).replace("+00:00", "Z")
