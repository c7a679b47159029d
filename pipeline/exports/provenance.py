"""W3C PROV-JSON: what was made of what, by which work, on whose behalf."""

from __future__ import annotations

import datetime
import json
from typing import Any

from prov import model as prov

from pipeline.exports.subject import URN, Subject, began, moment
from pipeline.lineage import facts, graph
from pipeline.metadata.records import Artifact, Execution, Run
from pipeline.recorded import ExecutionKey, Override, Payload, Pushed, RunKey


def text(subject: Subject) -> str:
    """As PROV-JSON, keys in order."""
    plain = json.loads(document(subject).serialize(format="json") or "{}")
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False)


def document(subject: Subject) -> prov.ProvDocument:
    """Everything upstream of the model, and the model."""
    found = prov.ProvDocument()
    found.add_namespace("millrace", f"{URN}:")
    _agents(found, subject)
    for artifact in _ordered(subject.above.artifacts):
        _entity(found, subject, artifact)
    for execution in _ordered(subject.above.executions):
        _activity(found, subject, execution)
    return found


def _ordered(records: dict[str, Any]) -> list[Any]:
    return sorted(records.values(), key=lambda record: record.order)


def _agents(found: prov.ProvDocument, subject: Subject) -> None:
    pipeline = found.agent(
        "millrace:pipeline",
        {"prov:type": prov.PROV["SoftwareAgent"], "prov:label": subject.pipeline},
    )
    for user in sorted({_user(run) for run in subject.runs.values()} - {""}):
        person = found.agent(
            _user_id(user), {"prov:type": prov.PROV["Person"], "prov:label": user}
        )
        found.actedOnBehalfOf(pipeline, person)
    for execution in subject.above.executions.values():
        if by := _overrider(execution):
            found.agent(
                _user_id(by), {"prov:type": prov.PROV["Person"], "prov:label": by}
            )


def _overrider(execution: Execution) -> str:
    """Who pushed what was refused; '' of a node."""
    return str(execution.json(Override.SAID, {}).get("by", ""))


def _user(run: Run) -> str:
    return run.text(RunKey.USER)


def _user_id(user: str) -> str:
    return f"millrace:user-{_safe(user)}"


def _safe(text: str) -> str:
    """Part of a qualified name: anything else is its code point."""
    return "".join(
        c if c.isascii() and (c.isalnum() or c in "-.") else f"_{ord(c):x}_"
        for c in text
    )


def _entity(found: prov.ProvDocument, subject: Subject, artifact: Artifact) -> None:
    entity = found.entity(_id(artifact), _described(artifact))
    if artifact.type == graph.EXAMPLES:
        for file in facts.files(artifact):
            raw = found.entity(
                f"millrace:file-{file['sha256']}-{_safe(file['path'])}",
                {
                    "prov:type": "raw file",
                    "prov:location": file["path"],
                    "millrace:sha256": file["sha256"],
                    "millrace:bytes": file["size"],
                },
            )
            found.wasDerivedFrom(entity, raw)
            maker = subject.above.maker(artifact)
            if maker is not None:
                found.used(_work(maker), raw)
    maker = subject.above.maker(artifact)
    if maker is None:
        return
    found.wasGeneratedBy(entity, _work(maker), _end(maker) or moment(artifact.created))
    for event in subject.above.inputs.get(maker.id, []):
        # Compared with, which taught it nothing.
        if event.artifact not in subject.above.compared:
            found.wasDerivedFrom(
                entity, f"millrace:artifact-{event.artifact}", _work(maker)
            )


def _described(artifact: Artifact) -> dict[str, Any]:
    values = {
        "prov:type": artifact.type,
        "prov:label": f"{artifact.type} {artifact.id}",
        "prov:location": artifact.text(Pushed.DESTINATION) or artifact.uri,
        "millrace:sha256": artifact.text(Payload.DIGEST),
        "millrace:manifest_sha256": artifact.text(Pushed.MANIFEST),
        "millrace:version": artifact.text(Pushed.VERSION),
        "millrace:state": artifact.state,
        **_overridden(artifact),
    }
    return {name: value for name, value in values.items() if value}


def _overridden(record: Artifact | Execution) -> dict[str, str]:
    found = facts.overridden(record)
    return {f"millrace:{name}": words for name, words in found.items()}


def _activity(found: prov.ProvDocument, subject: Subject, execution: Execution) -> None:
    run = subject.runs[subject.run_of[execution.id]]
    values = {
        "prov:type": "node",
        "prov:label": execution.node,
        "millrace:run": run.id,
        "millrace:state": execution.state,
        "millrace:commit": run.text(RunKey.COMMIT),
        "millrace:code_sha256": execution.text(ExecutionKey.CODE_DIGEST),
        "millrace:config_sha256": run.text(RunKey.CONFIG_DIGEST),
        "millrace:host": run.text(RunKey.HOST),
        **_overridden(execution),
    }
    known = {name: value for name, value in values.items() if value}
    start = moment(execution.created) or began(run)
    activity = found.activity(_work(execution), start, _end(execution), known)
    found.wasAssociatedWith(activity, "millrace:pipeline")
    if who := _overrider(execution) or _user(run):
        found.wasAssociatedWith(activity, _user_id(who))
    for event in subject.above.inputs.get(execution.id, []):
        role = {"prov:role": event.key} if event.key else None
        found.used(
            activity, f"millrace:artifact-{event.artifact}", other_attributes=role
        )


def _end(execution: Execution) -> datetime.datetime | None:
    """By the seconds that it took: a record may be touched later."""
    took = execution.properties.get(ExecutionKey.SECONDS)
    return moment(execution.created + float(took)) if took is not None else None


def _id(artifact: Artifact) -> str:
    return f"millrace:artifact-{artifact.id}"


def _work(execution: Execution) -> str:
    return f"millrace:execution-{execution.id}"
