"""Training and serving see the same numbers: Transform's output and the signatures."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models import registry
from models.hparams import HParams
from pipeline import config as config_lib
from trainer import data, export

FEATURES = config_lib.load((), (), platform="local").config.features


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


def test_raw_rows_through_the_signature_equal_transform_and_model(
    taxi, model, transformed, signatures, raw_rows
):
    """Every row of the eval split; Beam keeps no order, so both are sorted."""
    files = _files(_payload(taxi, "Transform", "transformed_examples"))
    columns, _ = next(
        iter(data.load(files, transformed, FEATURES.label.name).batch(10_000))
    )
    trained_on = model(columns, training=False).numpy()[:, 0]

    served = signatures["serving_default"](examples=raw_rows)["probability"]

    assert len(trained_on) == len(raw_rows) > 2_500
    assert len(np.unique(trained_on)) > 2_000
    np.testing.assert_allclose(
        np.sort(served.numpy()[:, 0]), np.sort(trained_on), atol=1e-6
    )


def _with_every_integer(row: bytes) -> bytes:
    """An integer column has no value that means missing to `serving_raw`."""
    example = tf.train.Example.FromString(row)
    for column in FEATURES.integers:
        values = example.features.feature[column].int64_list.value
        if not values:
            values.append(0)
    return example.SerializeToString()


def test_named_columns_are_answered_as_serialized_rows_are(
    transformed, signatures, raw_rows
):
    rows = tf.constant([_with_every_integer(row) for row in raw_rows.numpy()])
    spec = transformed.raw_feature_spec()
    parsed = tf.io.parse_example(rows, {name: spec[name] for name in FEATURES.columns})
    missing = {tf.float32: np.nan, tf.string: "", tf.int64: -1}
    columns = {
        name: tf.sparse.to_dense(
            tf.SparseTensor(value.indices, value.values, [len(rows), 1]),
            default_value=missing[value.dtype],
        )
        for name, value in parsed.items()
    }

    by_name = signatures["serving_raw"](**columns)["probability"]
    by_row = signatures["serving_default"](examples=rows)["probability"]

    assert sum(bool(tf.reduce_any(_is_missing(c))) for c in columns.values()) >= 3
    np.testing.assert_allclose(by_name, by_row, atol=1e-6)


def _is_missing(column: tf.Tensor) -> tf.Tensor:
    if column.dtype == tf.string:
        return column == ""
    return tf.math.is_nan(column) if column.dtype.is_floating else column == -1
