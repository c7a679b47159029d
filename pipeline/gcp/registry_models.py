"""A version as Vertex AI's own records, there and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.registry.versions import Origin, Version
from transform import missing

RUN, CODE, SPAN = "millrace-run", "millrace-code", "millrace-span"
CONTENT = "millrace-model"
MISSING = "millrace-missing-number"

_METRICS_SCHEMA = (
    "gs://google-cloud-aiplatform/schema/modelevaluation/"
    "classification_metrics_1.0.0.yaml"
)
# Ours -> Vertex's, of all thresholds, and at the threshold 0.5.
_OVERALL = {"auc": "auRoc"}
_AT_A_HALF = {"precision": "precision", "recall": "recall"}


def model(
    name: str,
    uri: str,
    origin: Origin,
    image: str,
    content: str = "",
    encryption_key: str = "",
    explanation: Mapping[str, object] | None = None,
) -> Any:
    """The Model to upload as a version.

    Args:
      name: shown in the console.
      uri: the folder of the SavedModel, in a bucket.
      origin: what it was made of.
      image: the container that serves it.
      content: digest of the model itself, as far as a label holds it.
      encryption_key: of the customer; '' is Google's own.
      explanation: ExplanationSpec as plain values, if any.
    """
    from google.cloud import aiplatform_v1

    labels = {
        RUN: origin.run_id,
        CODE: _code(origin.code),
        SPAN: origin.span,
        CONTENT: content,
        MISSING: str(missing.NUMBER),
    }
    known = {key: label(value) for key, value in labels.items() if value}
    key = aiplatform_v1.EncryptionSpec(kms_key_name=encryption_key)
    return aiplatform_v1.Model(
        display_name=name,
        version_description=_description(origin),
        artifact_uri=uri,
        container_spec=aiplatform_v1.ModelContainerSpec(image_uri=image),
        labels=known,
        encryption_spec=key if encryption_key else None,
        explanation_spec=dict(explanation) if explanation else None,
    )


def evaluation(origin: Origin) -> Any:
    """The metrics as Vertex shows those of a classifier."""
    from google.cloud import aiplatform_v1
    from google.protobuf import struct_pb2

    found = origin.metrics
    values: dict[str, object] = {
        theirs: found[ours] for ours, theirs in _OVERALL.items() if ours in found
    }
    at_a_half = {
        theirs: found[ours] for ours, theirs in _AT_A_HALF.items() if ours in found
    }
    if at_a_half:
        values["confidenceMetrics"] = [{"confidenceThreshold": 0.5, **at_a_half}]
    metrics, rest = struct_pb2.Value(), struct_pb2.Value()
    metrics.struct_value.update(values)
    # What the schema has no room for, in our own words.
    rest.struct_value.update(dict(found))
    return aiplatform_v1.ModelEvaluation(
        display_name=f"run {origin.run_id}",
        metrics_schema_uri=_METRICS_SCHEMA,
        metrics=metrics,
        metadata=rest,
    )


def metrics(found: Any) -> dict[str, float]:
    """Our metrics of an evaluation that we imported."""
    values = found.metadata or {}
    return {name: float(value) for name, value in dict(values).items()}


def version(found: Any) -> Version:
    """The record of a Model that was read."""
    labels = dict(found.labels)
    return Version(
        number=found.version_id,
        where=f"{found.name}@{found.version_id}",
        uri=found.artifact_uri,
        origin=Origin(
            run_id=labels.get(RUN, ""),
            code=labels.get(CODE, ""),
            span=labels.get(SPAN, ""),
            data=found.version_description,
        ),
        aliases=tuple(sorted(set(found.version_aliases) - {"default"})),
        created=found.version_create_time.timestamp(),
        columns=tuple(found.explanation_spec.metadata.inputs),
        content=labels.get(CONTENT, ""),
    )


def label(value: str) -> str:
    """The nearest that may be a label: lower case, digits, - and _, 63 at most."""
    return re.sub(r"[^a-z0-9_-]", "-", value.lower())[:63]


def _code(code: str) -> str:
    """'commit 1a2b' -> 1a2b; 'image HOST/NAME@sha256:3c4d' -> 3c4d."""
    return re.split(r"[ :]", code)[-1]


def _description(origin: Origin) -> str:
    words = [f"{name} {value:.4f}" for name, value in sorted(origin.metrics.items())]
    return "; ".join(filter(None, [origin.data, ", ".join(words)]))[:1000]
