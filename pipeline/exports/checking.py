"""A signed statement held against the key, the record and the bytes on the disk."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from securesystemslib import dsse, exceptions

from pipeline import content
from pipeline.errors import UsageError
from pipeline.exports import signing, statement
from pipeline.exports.subject import Subject, require_pushed
from pipeline.lineage import answers, verify
from pipeline.metadata import payload
from pipeline.recorded import Pushed

WRONG_KEY, OTHER = "wrong key", "another model's"

Row = dict[str, object]


def extended(
    answer: answers.Answer,
    subject: Subject,
    file: str,
    public_key: str,
    copy: str | None = None,
) -> answers.Answer:
    """The answer of `verify`, with a line for each thing that the statement says.

    Args:
      answer: on the same model.
      subject: the model.
      file: the envelope.
      public_key: reference or file.
      copy: a folder whose bytes are meant, in place of the pushed one's.

    Raises:
      UsageError: the file is no envelope, there is no such key, or the model was not
        pushed.
    """
    require_pushed(subject, "a signature")
    rows = list(_rows(subject, file, public_key, copy))
    bad = [row for row in rows if row["state"] not in (verify.INTACT, verify.REMOTE)]
    value = {
        "intact": answer.value["intact"] and not bad,
        "checked": answer.value["checked"] + len(rows),
        "not_intact": answer.value["not_intact"] + len(bad),
        "rows": rows + answer.value["rows"],
    }
    return dataclasses.replace(answer, value=value, good=answer.good and not bad)


def _rows(
    subject: Subject, file: str, public_key: str, copy: str | None
) -> Iterator[Row]:
    envelope = _envelope(file)
    key = signing.public(public_key)

    def row(what: str, path: str, state: str, detail: str = "") -> Row:
        own = {"what": what, "artifact": subject.artifact.id}
        return {**own, "path": path, "state": state, "detail": detail}

    if key.keyid not in envelope.signatures:
        signers = ", ".join(each[:12] for each in envelope.signatures) or "no one"
        detail = f"signed by {signers}; the key given is {key.keyid[:12]}"
        yield row("signature", file, WRONG_KEY, detail)
        return
    try:
        envelope.verify([key], 1)
    except exceptions.VerificationError:
        detail = "the statement is not the one that was signed"
        yield row("signature", file, verify.CHANGED, detail)
        return
    yield row("signature", file, verify.INTACT, f"signed by {key.keyid[:12]}")
    said = _said(envelope, file)
    subjects, recorded = _digests(said["subject"]), statement.subjects(subject)
    if subjects != _digests(recorded):
        yield row("statement", file, OTHER, _about(said, subject))
        return
    made_of = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    differ = _differences(made_of, statement.materials(subject))
    state = verify.CHANGED if differ else verify.INTACT
    words = f"the record says otherwise of {', '.join(differ)}" if differ else ""
    yield row("statement", file, state, words)
    yield from (
        row("stated file", path, state, detail)
        for path, state, detail in _on_disk(
            copy or subject.artifact.text(Pushed.DESTINATION), subjects
        )
    )


def _envelope(file: str) -> dsse.Envelope:
    try:
        return dsse.Envelope.from_dict(json.loads(Path(file).read_bytes()))
    except OSError as error:
        raise UsageError(
            f"--signature {file} cannot be read: {error.strerror}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, exceptions.FormatError):
        raise UsageError(
            f"--signature {file} is not a DSSE envelope. `lineage sign` writes one"
        ) from None


def _said(envelope: dsse.Envelope, file: str) -> Any:
    """Signed, so it is what the signer meant; that may still be something else."""
    try:
        found = json.loads(envelope.payload)
        kinds = envelope.payload_type, found["_type"], found["predicateType"]
        if kinds == (statement.PAYLOAD, statement.TYPE, statement.PREDICATE):
            _digests(found["subject"])
            found["predicate"]["buildDefinition"]["resolvedDependencies"]
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageError(
        f"--signature {file}: what was signed is not an in-toto statement with SLSA "
        "provenance v1"
    )


def _digests(entries: Sequence[statement.Resource]) -> dict[str, str]:
    return {entry["name"]: entry["digest"]["sha256"] for entry in entries}


def _about(said: Any, subject: Subject) -> str:
    definition = said["predicate"]["buildDefinition"]
    details = said["predicate"].get("runDetails", {})
    run = details.get("metadata", {}).get("invocationId", "?")
    pipeline = definition.get("externalParameters", {}).get("pipeline", "?")
    return (
        f"it is about what run {run} of {pipeline} pushed, not about what run "
        f"{subject.own.id} of {subject.pipeline} did"
    )


def _differences(
    said: Sequence[statement.Resource], recorded: Sequence[statement.Resource]
) -> list[str]:
    """Names of what one of them has, or has otherwise."""
    then, now = _by_text(said), _by_text(recorded)
    return sorted({name for name, _ in then ^ now})


def _by_text(entries: Sequence[statement.Resource]) -> set[tuple[str, str]]:
    return {
        (
            str(entry.get("name") or entry.get("uri")),
            json.dumps(entry.get("digest"), sort_keys=True),
        )
        for entry in entries
    }


def _on_disk(place: str, stated: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Only what is wrong, or one line when nothing is."""
    folder = payload.here(place)
    if folder is None:
        yield place, verify.REMOTE, ""
        return
    wrong = 0
    for name, sha256 in stated.items():
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            state = verify.MISSING
        elif content.of_file(path)["sha256"] != sha256:
            state = verify.CHANGED
        else:
            continue
        wrong += 1
        yield path, state, "its digest is not the one that was signed"
    if not wrong:
        yield place, verify.INTACT, f"{len(stated)} files are as signed"
