"""The full-pass feature graph: the same code in training and in serving."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from transform import features as features_lib
from transform import missing

_FLOAT32_ERROR = 2.0**-22
"""How far apart two products of rounded float32 may be and still mean the same."""

_Tensor = Any  # tf.Tensor or tf.SparseTensor, shape (batch, 1) or ragged to it


def preprocessing_fn(
    inputs: dict[str, _Tensor], custom_config: dict[str, object]
) -> dict[str, tf.Tensor]:
    """Maps raw columns to dense features, each of shape (batch,).

    Args:
      inputs: raw columns; a row that lacks a value has no entry.
      custom_config: 'features', the dump of `transform.features.Features`.
    """
    features = features_lib.Features.model_validate(custom_config["features"])
    outputs = dict(_z_scores({column: inputs[column] for column in features.numeric}))
    for column, count in features.buckets.items():
        outputs[features_lib.bucket_name(column)] = _bucket(inputs[column], count)
    for column, vocabulary in features.vocabulary.items():
        outputs[features_lib.vocabulary_name(column)] = _vocabulary_id(
            inputs[column], column, vocabulary
        )
    for column, size in features.integers.items():
        outputs[features_lib.integer_name(column)] = _integer(inputs[column], size)
    outputs[features.label.name] = _label(inputs, features.label)
    return outputs


def _z_scores(columns: dict[str, _Tensor]) -> Iterator[tuple[str, tf.Tensor]]:
    """Each column scaled, shape (batch,): as one matrix, for a graph of a column each
    takes minutes to build where there are hundreds.
    """
    if not columns:
        return
    # Scaled while sparse, so that missing values do not move mean and variance.
    matrix = tf.sparse.concat(1, [_single(_floats(each)) for each in columns.values()])
    matrix.set_shape([None, len(columns)])
    scaled = tf.sparse.to_dense(tft.scale_to_z_score(matrix, elementwise=True))
    # TFT hands a column without variance through as it is: whatever is served would
    # then meet a weight that was never trained.
    varies = tft.var(matrix, reduce_instance_dims=False) > 0
    scaled = tf.where(varies, scaled, tf.zeros_like(scaled))
    for column, values in zip(
        columns, tf.unstack(scaled, len(columns), 1), strict=True
    ):
        yield features_lib.numeric_name(column), values


def _bucket(column: _Tensor, count: int) -> tf.Tensor:
    buckets = tft.bucketize(_floats(column), num_buckets=count)
    return _dense(tf.cast(buckets, tf.int64), count)


def _vocabulary_id(
    column: _Tensor, name: str, vocabulary: features_lib.Vocabulary
) -> tf.Tensor:
    text = _one_line(_text(_known(column)))
    ids = tft.compute_and_apply_vocabulary(
        text,
        top_k=vocabulary.size,
        num_oov_buckets=vocabulary.oov_buckets,
        vocab_filename=features_lib.vocabulary_name(name),
    )
    return _dense(ids, features_lib.MISSING_ID - 1) + 1


def _integer(column: _Tensor, size: int) -> tf.Tensor:
    known = tf.cast(_known(column), tf.int64)
    inside = (known.values >= 0) & (known.values < size)
    ids = tf.where(inside, known.values, tf.cast(size, tf.int64))
    return _dense(known.with_values(ids + 1), features_lib.MISSING_ID)


def _label(inputs: dict[str, _Tensor], label: features_lib.Label) -> tf.Tensor:
    """0 or 1, int64, shape (batch,); NO_LABEL where a raw value is missing."""
    if label.rule == "ratio_above":
        column = _floats(inputs[label.column])
        denominator = _floats(inputs[str(label.denominator)])
        value = tf.cast(_dense(column, 0.0), tf.float64)
        whole = tf.cast(_dense(denominator, 0.0), tf.float64)
        bound = whole * tf.constant(label.threshold, tf.float64)
        # tf.Examples hold float32: 2.45 of 12.25 is 20 % and must not come out as more.
        positive = (value - bound > tf.abs(bound) * _FLOAT32_ERROR) & (whole > 0)
        known = _is_there(column) & _is_there(denominator)
    elif inputs[label.column].dtype == tf.float32:
        column = _floats(inputs[label.column])
        wanted = tf.constant(float(str(label.value)), tf.float32)
        positive = tf.equal(_dense(column, 0.0), wanted)
        known = _is_there(column)
    else:
        column = inputs[label.column]
        text = _dense(_text(_known(column)), "")
        positive = tf.equal(text, label.value)
        known = tf.not_equal(text, "")
    none = tf.constant(features_lib.NO_LABEL, tf.int64)
    return tf.where(known, tf.cast(positive, tf.int64), none)


def _is_there(column: tf.SparseTensor) -> tf.Tensor:
    """Whether a row has a value, shape (batch,)."""
    return _dense(column.with_values(tf.ones_like(column.values, tf.int64)), 0) > 0


def _floats(column: _Tensor) -> tf.SparseTensor:
    """The column's numbers."""
    return tf.cast(_known(column), tf.float32)


def _known(column: _Tensor) -> tf.SparseTensor:
    """The values that say something, as they do when served (transform/missing.py)."""
    if isinstance(column, tf.SparseTensor):
        return tf.sparse.retain(column, _says_something(column.values))
    places = tf.where(_says_something(column))
    shape = tf.shape(column, out_type=tf.int64)
    return tf.SparseTensor(places, tf.gather_nd(column, places), shape)


def _says_something(values: tf.Tensor) -> tf.Tensor:
    if values.dtype == tf.string:
        return tf.not_equal(values, missing.TEXT)
    known = tf.not_equal(values, tf.constant(missing.NUMBER, values.dtype))
    return known & tf.math.is_finite(values) if values.dtype.is_floating else known


def _one_line(text: tf.SparseTensor) -> tf.SparseTensor:
    """Line breaks escaped: TFT's vocabulary files have a line for each value.

    It passes over values that hold one, which would all be unseen then.
    """
    values = text.values
    for character, escaped in (("\\\\", r"\\\\"), ("\n", r"\\n"), ("\r", r"\\r")):
        values = tf.strings.regex_replace(values, character, escaped)
    return text.with_values(values)


def _text(column: tf.SparseTensor) -> tf.SparseTensor:
    if column.dtype == tf.string:
        return column
    return column.with_values(tf.strings.as_string(column.values))


def _dense(column: tf.SparseTensor, without: Any) -> tf.Tensor:
    """Shape (batch,): one value a row, `without` where the row has none."""
    return tf.squeeze(tf.sparse.to_dense(_single(column), without), axis=1)


def _single(column: tf.SparseTensor) -> tf.SparseTensor:
    """The column as of one value a row, shape (batch, 1)."""
    shape = [column.dense_shape[0], 1]
    return tf.SparseTensor(column.indices, column.values, shape)
