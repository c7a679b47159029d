"""The full-pass feature graph: the same code in training and in serving."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from transform import features as features_lib

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
    outputs = {}
    for column in features.numeric:
        outputs[features_lib.numeric_name(column)] = _z_score(inputs[column])
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


def _z_score(column: _Tensor) -> tf.Tensor:
    # Scaled while sparse, so that missing values do not move mean and variance.
    values = _floats(column)
    scaled = _dense(tft.scale_to_z_score(values), 0.0)
    # TFT hands a column without variance through as it is: whatever is served would
    # then meet a weight that was never trained.
    varies = tft.var(values) > 0
    return tf.where(varies, scaled, tf.zeros_like(scaled))


def _bucket(column: _Tensor, count: int) -> tf.Tensor:
    buckets = tft.bucketize(_floats(column), num_buckets=count)
    return _dense(tf.cast(buckets, tf.int64), count)


def _vocabulary_id(
    column: _Tensor, name: str, vocabulary: features_lib.Vocabulary
) -> tf.Tensor:
    text = _one_line(_text(_dense(column, "" if column.dtype == tf.string else -1)))
    return tft.compute_and_apply_vocabulary(
        text,
        top_k=vocabulary.size,
        num_oov_buckets=vocabulary.oov_buckets,
        vocab_filename=features_lib.vocabulary_name(name),
    )


def _integer(column: _Tensor, size: int) -> tf.Tensor:
    values = _dense(tf.cast(column, tf.int64), size)
    inside = (values >= 0) & (values < size)
    return tf.where(inside, values, tf.cast(size, tf.int64))


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
        text = _text(_dense(column, "" if column.dtype == tf.string else -1))
        positive = tf.equal(text, label.value)
        known = _is_there(column) & tf.not_equal(text, "")
    none = tf.constant(features_lib.NO_LABEL, tf.int64)
    return tf.where(known, tf.cast(positive, tf.int64), none)


def _is_there(column: _Tensor) -> tf.Tensor:
    """Whether a row has a value, shape (batch,)."""
    if not isinstance(column, tf.SparseTensor):
        return tf.ones(tf.shape(column)[:1], tf.bool)
    ones = tf.ones_like(column.values, tf.int64)
    counted = tf.SparseTensor(column.indices, ones, column.dense_shape)
    return _dense(counted, 0) > 0


def _floats(column: _Tensor) -> tf.SparseTensor:
    """The column's numbers; NaN and infinity mean missing, as they do when served."""
    values = tf.cast(column, tf.float32)
    if isinstance(values, tf.SparseTensor):
        return tf.sparse.retain(values, tf.math.is_finite(values.values))
    places = tf.where(tf.math.is_finite(values))
    shape = tf.shape(values, out_type=tf.int64)
    return tf.SparseTensor(places, tf.gather_nd(values, places), shape)


def _one_line(text: tf.Tensor) -> tf.Tensor:
    """Line breaks escaped: TFT's vocabulary files have a line for each value.

    It passes over values that hold one, which would all be unseen then.
    """
    for character, escaped in (("\\\\", r"\\\\"), ("\n", r"\\n"), ("\r", r"\\r")):
        text = tf.strings.regex_replace(text, character, escaped)
    return text


def _text(column: tf.Tensor) -> tf.Tensor:
    return column if column.dtype == tf.string else tf.strings.as_string(column)


def _dense(column: _Tensor, missing: Any) -> tf.Tensor:
    """Shape (batch,): one value a row, `missing` where the row has none."""
    if isinstance(column, tf.SparseTensor):
        shape = [column.dense_shape[0], 1]
        single = tf.SparseTensor(column.indices, column.values, shape)
        column = tf.sparse.to_dense(single, default_value=missing)
    return tf.squeeze(column, axis=1)
