"""CycloneDX 1.6: a pushed model, its files, its data and the libraries it needs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from pipeline.config import config
from pipeline.exports import card, lock
from pipeline.exports.card import MetricRow
from pipeline.exports.subject import URN, Subject, began, require_pushed
from pipeline.lineage import facts
from pipeline.metadata.records import Artifact
from pipeline.recorded import Data, Payload, Pushed, RunKey

Card = dict[str, object]


def text(subject: Subject, lock_path: Path = config.LOCK) -> str:
    """The bill of materials, as JSON.

    The library knows no model cards yet: it writes everything else, and the card, by
    the specification, is added to what it wrote.

    Raises:
      UsageError: the model was not pushed.
    """
    require_pushed(subject, "a bill of materials")
    run = subject.trained
    found = lock.recorded(
        lock_path, run.text(RunKey.LOCK_DIGEST), run.text(RunKey.COMMIT)
    )
    libraries = [_library(each) for each in lock.libraries(found or "")]
    bom = _bom(subject, libraries)
    plain = json.loads(JsonV1Dot6(bom).output_as_string())
    model = plain["metadata"]["component"]
    model["modelCard"] = model_card(subject)
    plain["compositions"] = [
        {
            "aggregate": "incomplete" if libraries else "unknown",
            "dependencies": [model["bom-ref"]],
        }
    ]
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False)


def _bom(subject: Subject, libraries: list[Component]) -> Bom:
    model = _model(subject)
    data = [_data(examples) for examples in subject.examples]
    parts = [*data, *libraries]
    own = subject.artifact.text(Payload.DIGEST)
    return Bom(
        serial_number=uuid.uuid5(
            uuid.NAMESPACE_URL, f"{URN}:{subject.pipeline}:{subject.version}:{own}"
        ),
        metadata=BomMetaData(timestamp=began(subject.own), component=model),
        components=parts,
        dependencies=[
            Dependency(model.bom_ref, [Dependency(part.bom_ref) for part in parts]),
            *(Dependency(part.bom_ref) for part in parts),
        ],
    )


def _model(subject: Subject) -> Component:
    said = card.said(subject)
    licences = [LicenseFactory().make_from_string(said.licence)] if said.licence else []
    run = facts.run(subject.trained)
    manifest = subject.artifact.text(Pushed.MANIFEST)
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=subject.pipeline,
        version=subject.version,
        bom_ref=f"model:{subject.pipeline}:{subject.version}",
        description=said.intended_use or None,
        licenses=licences,
        authors=[OrganizationalContact(name=owner) for owner in said.owners],
        components=[
            _file(name, file["sha256"], file["size"])
            for name, file in subject.files.items()
        ],
        properties=_properties(
            content_sha256=subject.artifact.text(Payload.DIGEST),
            manifest_sha256=manifest,
            run=subject.own.id,
            commit=run["commit"],
            dirty=str(run["dirty"]).lower(),
            config_sha256=run["config_digest"],
            lock_sha256=run["lock_digest"],
            image=run["image"],
            **facts.overridden(subject.artifact),
        ),
    )


def _file(name: str, sha256: str, size: int) -> Component:
    return Component(
        type=ComponentType.FILE,
        name=name,
        bom_ref=f"file:{name}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        properties=_properties(bytes=str(size)),
    )


def _data(examples: Artifact) -> Component:
    found = facts.data(examples)
    rows = sum(found["rows"].values())
    return Component(
        type=ComponentType.DATA,
        name=found["folder"] or examples.uri,
        version=found["span"] or None,
        bom_ref=f"data:{examples.id}",
        components=[
            Component(
                type=ComponentType.FILE,
                name=file["path"],
                bom_ref=f"data:{examples.id}:{file['path']}",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file["sha256"])],
                properties=_properties(bytes=str(file["size"])),
            )
            for file in facts.files(examples)
        ],
        properties=_properties(
            files_sha256=examples.text(Data.FILES_DIGEST), rows=str(rows or "")
        ),
    )


def _library(each: lock.Library) -> Component:
    purl = PackageURL("pypi", None, each.name, each.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=each.name,
        version=each.version,
        purl=purl,
        bom_ref=purl.to_string(),
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                # Its name, not an address: where it came from, the lock does not say.
                url=XsUri(purl.to_string()),
                comment="any of these files may be installed",
                hashes=[
                    HashType(alg=HashAlgorithm.SHA_256, content=h) for h in each.sha256
                ],
            )
        ],
    )


def _properties(**values: str) -> Iterable[Property]:
    return [
        Property(name=f"millrace:{name}", value=value)
        for name, value in values.items()
        if value
    ]


def model_card(subject: Subject) -> Card:
    """CycloneDX's own model card."""
    said = card.said(subject)
    metrics = card.measured(subject)
    considerations = {
        "useCases": [said.intended_use] if said.intended_use else [],
        "technicalLimitations": [
            *(f"Not for: {use}" for use in said.out_of_scope),
            *card.limits(subject, metrics),
        ],
        "ethicalConsiderations": [
            {"name": each} for each in said.ethical_considerations
        ],
    }
    architecture = subject.config.get("training", {}).get("model", "")
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "binary classification",
            **({"modelArchitecture": architecture} if architecture else {}),
            "datasets": [{"ref": f"data:{each.id}"} for each in subject.examples],
        },
        "quantitativeAnalysis": {"performanceMetrics": [_metric(m) for m in metrics]},
        "considerations": {k: v for k, v in considerations.items() if v},
    }


def _metric(row: MetricRow) -> Card:
    found: Card = {"type": row.metric, "value": str(row.value), "slice": row.slice}
    if not row.interval:
        return found
    low, high = map(str, row.interval)
    return {**found, "confidenceInterval": {"lowerBound": low, "upperBound": high}}
