"""A first schema from new data, how it differs from the curated one, and statistics."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from pipeline.config.config import Config
from pipeline.data import files, preflight, reading, statistics, suggestion, writing
from pipeline.data.columns import Kinds, kinds_of
from pipeline.data.files import Unit
from pipeline.data.reading import Asked, Batch
from pipeline.data.suggestion import Seen
from pipeline.errors import DataRefused, UsageError


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """A first schema, for a person to review."""

    schema: schema_pb2.Schema

    reasons: Mapping[str, str]
    """Column -> why it is text although it looks like numbers."""

    @property
    def text(self) -> str:
        """The schema as text, under remarks that give the reasons."""
        remarks = [f"# {name} is text: {why}\n" for name, why in self.reasons.items()]
        return "".join(remarks) + text(self.schema)


def inferred(config: Config) -> Suggestion:
    """The schema that TFDV infers from the data of the configuration.

    A cell that is empty somewhere may be empty: an ingested row has the column
    without a value.

    Raises:
      UsageError: a column could be of no kind.
      DataUnreadable: a file is damaged.
    """
    seen = _seen(config)
    kinds = {name: column.kind or "BYTES" for name, column in seen.items()}
    found = tfdv.infer_schema(_statistics(config, kinds), infer_feature_shape=False)
    for feature in found.feature:
        if not feature.HasField("value_count"):  # not each row has the one value
            feature.value_count.min, feature.value_count.max = 0, 1
    reasons = {name: column.reason for name, column in sorted(seen.items())}
    return Suggestion(found, {name: why for name, why in reasons.items() if why})


def observed(config: Config) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of all rows in the curated schema's types, as a run computes them.

    Raises:
      DataRefused: a row does not fit the types, so a run would refuse it, too.
      DataUnreadable: a file is damaged.
    """
    return _statistics(config, kinds_of(curated(config)))


def text(schema: schema_pb2.Schema) -> str:
    """The schema as text, features and domains by name, so that two compare well."""
    ordered = schema_pb2.Schema()
    ordered.CopyFrom(schema)
    ordered.feature.sort(key=lambda feature: feature.name)
    ordered.string_domain.sort(key=lambda domain: domain.name)
    return text_format.MessageToString(ordered)


def curated(config: Config) -> schema_pb2.Schema:
    """The reviewed schema file of the configuration."""
    content = Path(config.data.schema_file).read_text(encoding="utf-8")
    return text_format.Parse(content, schema_pb2.Schema())


def difference(config: Config) -> str:
    """A unified diff from the curated to the inferred schema; '' when equal."""
    lines = difflib.unified_diff(
        text(curated(config)).splitlines(keepends=True),
        text(inferred(config).schema).splitlines(keepends=True),
        fromfile=f"curated: {config.data.schema_file}",
        tofile=f"inferred from: {config.data.path}",
        n=4,
    )
    return "".join(lines)


def _seen(config: Config) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    for unit, batch in _batches(config, {}, Asked(frozenset())):
        try:
            suggestion.add_batch(found, batch.source)
        except TypeError as error:
            raise UsageError(f"{unit.file}: {error}") from None
    return found


def _statistics(
    config: Config, kinds: Kinds
) -> statistics_pb2.DatasetFeatureStatisticsList:
    rows = (writing.as_lists(_fitting(batch)) for _, batch in _batches(config, kinds))
    return statistics.computed(batch for batch in rows if batch.num_rows)


def _fitting(batch: Batch) -> pa.RecordBatch:
    if batch.rejects:
        raise DataRefused(
            f"a row does not fit the types of the schema:\n  {batch.rejects[0]}"
        )
    return batch.rows


def _batches(
    config: Config, kinds: Kinds, asked: Asked | None = None
) -> Iterator[tuple[Unit, Batch]]:
    """The data as ExampleGen reads them."""
    limits = preflight.limits_of(config.data)
    asked = dataclasses.replace(asked or Asked(), limits=limits)
    names = [str(file) for file in preflight.data_files(config.data)]
    for unit in files.units(names):
        for batch in reading.batches(unit, kinds, asked):
            yield unit, batch
