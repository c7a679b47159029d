"""A first schema from new data, and how it differs from the curated one."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.config import Config


def inferred(config: Config) -> schema_pb2.Schema:
    """The schema that TFDV infers from the data of the configuration."""
    statistics = tfdv.generate_statistics_from_csv(
        os.path.join(config.data.path, "*.csv"),
        pipeline_options=PipelineOptions(list(config.beam_args)),
    )
    return tfdv.infer_schema(statistics, infer_feature_shape=False)


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
