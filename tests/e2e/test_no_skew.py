"""Training and serving see the same numbers: Transform's output and the signatures."""

from __future__ import annotations

import json
from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tfx_bsl.public import tfxio

from models import registry
from models.hparams import HParams
from pipeline.beam_arguments import arguments
from pipeline.config import config
from pipeline.data import schema
from trainer import data, export

CONFIG = config.load((), (), platform="local").config
FEATURES = CONFIG.features


def _payload(taxi, node: str, output: str) -> Path:
    [folder] = (taxi.output / "artifacts" / node / output).iterdir()
    return folder


def _files(folder: Path) -> list[str]:
    return sorted(str(file) for file in (folder / "Split-eval").glob("*.gz"))


@pytest.fixture(scope="module")
def transformed(taxi) -> tft.TFTransformOutput:
    return tft.TFTransformOutput(str(_payload(taxi, "Transform", "transform_graph")))


@pytest.fixture(scope="module")
def model(transformed) -> keras.Model:
    """Random weights tell two rows apart at least as well as learned ones."""
    keras.utils.set_random_seed(1)
    specs = data.input_specs(FEATURES, transformed)
    return registry.build("wide_deep", specs, HParams())


@pytest.fixture(scope="module")
def signatures(model, transformed, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("skew") / "model")
    export.Servable(model, transformed, FEATURES).save(path)
    return tf.saved_model.load(path).signatures


@pytest.fixture(scope="module")
def raw_rows(taxi) -> tf.Tensor:
    """The eval split as ExampleGen wrote it."""
    files = _files(_payload(taxi, "ExampleGen", "examples"))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    return tf.stack(list(records))


@pytest.fixture(scope="module")
def by_beam(taxi, tmp_path_factory) -> dict[str, np.ndarray]:
    """The eval split through TensorFlow Transform's own Beam step, as it would be
    materialized: shape (rows, 1) a column."""
    source = tfxio.TFExampleRecord(
        str(_payload(taxi, "ExampleGen", "examples") / "Split-eval" / "*.gz"),
        schema=schema.curated(CONFIG),
    )
    graph = str(_payload(taxi, "Transform", "transform_graph"))
    folder = tmp_path_factory.mktemp("by_beam")
    with (
        beam.Pipeline(argv=arguments(CONFIG)) as pipeline,
        tft_beam.Context(temp_dir=str(folder / "temp")),
    ):
        raw = pipeline | source.BeamSource()
        transform_fn = pipeline | tft_beam.ReadTransformFn(graph)
        rows, _ = (
            (raw, source.TensorAdapterConfig()),
            transform_fn,
        ) | tft_beam.TransformDataset()
        texts = rows | beam.Map(
            lambda row: json.dumps({name: float(row[name]) for name in row})
        )
        _ = texts | beam.io.WriteToText(str(folder / "rows"))
    lines = [
        json.loads(line)
        for file in folder.glob("rows-*")
        for line in file.read_text().splitlines()
    ]
    return {name: np.array([[line[name]] for line in lines]) for name in lines[0]}


def test_raw_rows_through_the_signature_equal_transform_and_model(
    model, signatures, raw_rows, by_beam
):
    """Every row of the eval split; Beam keeps no order, so both are sorted."""
    columns = {spec.name: by_beam[spec.name] for spec in model.inputs}

    transformed = model(columns, training=False).numpy()[:, 0]
    served = signatures["serving_examples"](examples=raw_rows)["probability"]

    assert len(transformed) == len(raw_rows) > 2_500
    assert len(np.unique(transformed)) > 2_000
    np.testing.assert_allclose(np.sort(served.numpy()), np.sort(transformed), atol=1e-6)


def test_the_trainer_reads_what_transform_would_have_written(
    taxi, transformed, by_beam
):
    files = _files(_payload(taxi, "ExampleGen", "examples"))
    label = FEATURES.label.name

    loaded = data.load(files, transformed, label)

    assert len(loaded) == len(by_beam[label])
    for name, values in {**loaded.columns, label: loaded.labels}.items():
        np.testing.assert_allclose(
            np.sort(values.numpy(), axis=0), np.sort(by_beam[name], axis=0), atol=1e-6
        )


def _with_every_integer(row: bytes, integers: list[str]) -> bytes:
    """An integer column has no value that means missing by column."""
    example = tf.train.Example.FromString(row)
    for column in integers:
        values = example.features.feature[column].int64_list.value
        if not values:
            values.append(0)
    return example.SerializeToString()


def test_named_columns_are_answered_as_serialized_rows_are(
    transformed, signatures, raw_rows
):
    spec = transformed.raw_feature_spec()
    integers = [name for name in FEATURES.columns if spec[name].dtype == tf.int64]
    rows = tf.constant([_with_every_integer(row, integers) for row in raw_rows.numpy()])
    parsed = tf.io.parse_example(rows, {name: spec[name] for name in FEATURES.columns})
    missing = {tf.float32: np.nan, tf.string: "", tf.int64: -1}
    columns = {
        name: tf.sparse.to_dense(
            tf.SparseTensor(value.indices, value.values, [len(rows), 1]),
            default_value=missing[value.dtype],
        )[:, 0]
        for name, value in parsed.items()
    }

    by_name = signatures["serving_default"](**columns)["probability"]
    by_row = signatures["serving_examples"](examples=rows)["probability"]

    assert sum(bool(tf.reduce_any(_is_missing(c))) for c in columns.values()) >= 3
    np.testing.assert_allclose(by_name, by_row, atol=1e-6)


def _is_missing(column: tf.Tensor) -> tf.Tensor:
    if column.dtype == tf.string:
        return column == ""
    return tf.math.is_nan(column) if column.dtype.is_floating else column == -1
