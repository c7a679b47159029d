"""What SchemaValidator found in the data."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2

from pipeline.reports import statistics


@dataclasses.dataclass(frozen=True)
class Anomaly:
    """One column that does not fit the schema, in some splits."""

    feature: str
    name: str
    """TFDV's, as an allow-list has it; several with commas."""

    words: str
    """TFDV's, of the first of the splits."""

    splits: tuple[str, ...]


def of_artifact(folder: str) -> list[Anomaly]:
    """The anomalies of all splits, each with the splits that have it."""
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    files = Path(folder).glob("Split-*/SchemaDiff.pb")
    for file in sorted(files, key=lambda f: statistics.order(_split(f))):
        content = anomalies_pb2.Anomalies()
        content.ParseFromString(file.read_bytes())
        if content.HasField("dataset_anomaly_info"):
            content.anomaly_info["the data set"].CopyFrom(content.dataset_anomaly_info)
        for feature, info in content.anomaly_info.items():
            # The words have numbers that differ from split to split.
            key, words = (feature, _names(info)), info.description
            found.setdefault(key, (words, []))[1].append(_split(file))
    return [
        Anomaly(*key, words, tuple(splits))
        for key, (words, splits) in sorted(found.items())
    ]


def _split(file: Path) -> str:
    return file.parent.name.removeprefix("Split-")


def _names(info: anomalies_pb2.AnomalyInfo) -> str:
    names = {anomalies_pb2.AnomalyInfo.Type.Name(reason.type) for reason in info.reason}
    return ", ".join(sorted(names))
