"""What became of a run, read back from MLMD and the artifacts it names."""

from __future__ import annotations

import collections
import dataclasses
import json
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline import recorded
from pipeline.local.selection import NODES
from pipeline.metadata.run_record import Record
from pipeline.nodes import (
    EVALUATOR,
    EXAMPLE_GEN,
    PUSHER,
    SCHEMA_VALIDATOR,
    STATISTICS_GEN,
)
from pipeline.runs import metrics, rows
from pipeline.runs.not_numbers import NotNumbers
from pipeline.runs.summary import RunSummary
from pipeline.runs.verdict import Verdict


@dataclasses.dataclass
class Results:
    """What the summary shows beside the nodes' states."""

    verdict: Verdict | None = None
    """The Evaluator's; None when it did not come to one."""

    metrics: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    """Slice -> metric -> value, of the candidate."""

    pushed: str | None = None
    """Folder of the pushed version."""

    same_as: str = ""
    """Folder of the version that holds this very model already."""

    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    """Node -> rows that it read."""

    work: dict[str, tuple[int, int] | None] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(lambda: None)
    )
    """Node -> rows in, rows out; None when nothing says so."""

    data: str = ""
    """Span and rows, in words."""

    drifted: tuple[str, ...] = ()
    """A line for each column that moved away from the baseline."""

    unlabelled: dict[str, int] = dataclasses.field(default_factory=dict)
    """Split -> rows without a label."""

    not_numbers: tuple[NotNumbers, ...] = ()
    """Values that were taken as missing, by column and split."""

    def added_to(self, summary: RunSummary) -> RunSummary:
        """The summary with all of it but the nodes' rows."""
        return dataclasses.replace(
            summary.judged(self.verdict),
            metrics=self.metrics,
            pushed=self.pushed,
            same_as=self.same_as,
            data=self.data,
            drifted=self.drifted,
            unlabelled=self.unlabelled,
            not_numbers=self.not_numbers,
        )


def results_of(record: Record) -> Results:
    """The results of a run, however far it came."""
    found = Results()
    found.rows = rows_of(record)
    if examples := record.outputs_of(EXAMPLE_GEN).get("examples"):
        found.data = rows.data_line(
            examples[0].custom_properties[recorded.Data.ROWS_WRITTEN].int_value,
            examples[0].properties["span"].int_value,
        )
    if anomalies := record.outputs_of(SCHEMA_VALIDATOR).get("anomalies"):
        names = recorded.Anomalies
        found.drifted = tuple(_json(anomalies[0], names.DRIFTED) or ())
        found.unlabelled = _json(anomalies[0], names.UNLABELLED) or {}
        odd = _json(anomalies[0], names.NOT_NUMBERS) or ()
        found.not_numbers = tuple(map(NotNumbers.from_dict, odd))
    if evaluation := record.outputs_of(EVALUATOR).get("evaluation"):
        folder = Path(evaluation[0].uri)
        found.verdict = Verdict.from_dict(_read(folder / "verdict.json"))
        found.metrics = metrics.defined(_read(folder / "metrics.json")["candidate"])
        found.rows[EVALUATOR] = int(found.metrics["overall"]["example_count"])
    if pushed := record.outputs_of(PUSHER).get("pushed_model"):
        properties = pushed[0].custom_properties
        if recorded.Pushed.DESTINATION in properties:
            found.pushed = properties[recorded.Pushed.DESTINATION].string_value
        if recorded.Pushed.SAME_AS in properties:
            found.same_as = properties[recorded.Pushed.REGISTERED].string_value
    found.work.update(_work(record, found.rows))
    return found


def rows_of(record: Record) -> dict[str, int]:
    """Node -> rows that it reads, from the statistics; nothing before there are any."""
    return rows.taken(_splits(record))


def _splits(record: Record) -> dict[str, int]:
    statistics = record.outputs_of(STATISTICS_GEN).get("statistics")
    splits = {}
    for file in Path(statistics[0].uri).glob("*/FeatureStats.pb") if statistics else ():
        content = statistics_pb2.DatasetFeatureStatisticsList()
        content.ParseFromString(file.read_bytes())
        split = file.parent.name.removeprefix("Split-")
        splits[split] = int(content.datasets[0].num_examples)
    return splits


def _work(record: Record, read: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Node -> rows in and out, of the nodes that came to an end."""
    examples = record.outputs_of(EXAMPLE_GEN).get("examples")
    pushed = record.outputs_of(PUSHER).get("pushed_model")
    counted = rows.Counted(
        splits=_splits(record),
        ingested=_ingested(examples[0]) if examples else None,
        evaluated=read.get(EVALUATOR),
        asked=int(pushed[0].custom_properties[recorded.Pushed.ROWS].double_value)
        if pushed
        else None,
    )
    return rows.in_and_out(counted, [n for n in NODES if record.outputs_of(n)])


def _ingested(examples: mlmd.Artifact) -> tuple[int, int] | None:
    found = examples.custom_properties
    if recorded.Data.ROWS_READ not in found:
        return None  # TFX's own, on rows of BigQuery
    return (
        found[recorded.Data.ROWS_READ].int_value,
        found[recorded.Data.ROWS_WRITTEN].int_value,
    )


def _json(artifact: mlmd.Artifact, name: str) -> Any:
    """None where an older version did not write it."""
    return json.loads(artifact.custom_properties[name].string_value or "null")


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
