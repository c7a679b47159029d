"""A first schema from new data, how it differs from the curated one, and statistics."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from pipeline.config.config import Config
from pipeline.data import preflight, statistics
from pipeline.data.formats import format_of

_BLOCK_BYTES = 64 << 20


def inferred(config: Config) -> schema_pb2.Schema:
    """The schema that TFDV infers from the data of the configuration.

    A cell that is empty somewhere may be empty: an ingested row has the column
    without a value, which TFDV, inferring from absent columns, would refuse.
    """
    schema = tfdv.infer_schema(observed(config), infer_feature_shape=False)
    for feature in schema.feature:
        if feature.presence.min_fraction < 1.0 and feature.HasField("value_count"):
            feature.value_count.min = 0
    return schema


def observed(config: Config) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of all rows, with the types that the files themselves suggest."""
    files = preflight.data_files(config.data)
    return statistics.computed(batch for file in files for batch in _batches(file))


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
        text(inferred(config)).splitlines(keepends=True),
        fromfile=f"curated: {config.data.schema_file}",
        tofile=f"inferred from: {config.data.path}",
        n=4,
    )
    return "".join(lines)


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    if format_of(str(file)) == "parquet":
        table = pq.read_table(file)
    else:
        table = pacsv.read_csv(
            file,
            read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES),
            convert_options=pacsv.ConvertOptions(
                strings_can_be_null=True,
                null_values=[""],
                true_values=[],
                false_values=[],
            ),
        )
    for batch in table.to_batches():
        columns = [_as_lists(_plain(column)) for column in batch.columns]
        yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _as_lists(column: pa.Array) -> pa.Array:
    """Each value as a list of one; a null stays one: it is not present, to TFDV."""
    offsets = pa.array(range(len(column) + 1), pa.int32())
    return pa.ListArray.from_arrays(offsets, column, mask=column.is_null())


def _plain(column: pa.Array) -> pa.Array:
    """In one of the three types of a tf.Example."""
    if pa.types.is_null(column.type):
        return column.cast(pa.string()).cast(pa.binary())
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type):
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return column.cast(pa.float32())
    return column.cast(pa.string()).cast(pa.binary())
