"""The SavedModel: the model, the Transform graph, and three signatures."""

from __future__ import annotations

import functools

import keras
import tensorflow as tf
import tensorflow_transform as tft

from transform import features as features_lib

# Autograph would rewrite the source of TensorFlow Transform's layer and of all that it
# calls, a second for each signature, and there is no Python loop or branch to rewrite.
traced = functools.partial(tf.function, autograph=False)


class Servable(tf.Module):
    """Answers raw rows: Transform's graph and the model, exported as one.

    `serving_default` takes every raw feature column by name, shape (batch,): what
    TensorFlow Serving makes of {"instances": [{column: value}]}, and what Vertex AI's
    containers ask. NaN and the empty string mean missing; an integer cannot be missing
    there. (As doubles whole numbers could, but those above 2^53 would change silently.)

    `serving_examples` takes `examples`, serialized tf.Example of raw rows, shape
    (batch,), which can leave out any column: what evaluation and `predict` ask.

    Both answer `probability`, shape (batch,): a number for each row. Asked with
    serialized rows, `transform_features` gives TFMA the features and the label.
    """

    def __init__(
        self,
        model: keras.Model,
        transformed: tft.TFTransformOutput,
        features: features_lib.Features,
    ) -> None:
        super().__init__(name="servable")
        # Attributes, so that tables and weights are saved. The weights without Keras's
        # wrappers: of a wrapper Keras saves a copy, that copy is what a model server
        # restores, and what the signatures read stays empty (keras#19274). Only
        # tf.saved_model.load finds both.
        self.transform = transformed.transform_features_layer()
        self.weights = [variable.value for variable in model.variables]
        self._model = functools.partial(model, training=False)
        self._label = features.label.name
        self._raw_spec = transformed.raw_feature_spec()
        self._feature_spec = {name: self._raw_spec[name] for name in features.columns}

    def save(self, path: str) -> None:
        """Writes the SavedModel to `path`."""
        examples = tf.TensorSpec([None], tf.string, name="examples")
        signatures = {
            "serving_default": self._serve_columns.get_concrete_function(
                {
                    name: tf.TensorSpec([None], spec.dtype, name=name)
                    for name, spec in self._feature_spec.items()
                }
            ),
            "serving_examples": self._serve_examples.get_concrete_function(examples),
            "transform_features": self._features.get_concrete_function(examples),
        }
        tf.saved_model.save(self, path, signatures=signatures)

    @traced
    def _serve_columns(self, columns: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        sparse = {name: _without_missing(value) for name, value in columns.items()}
        return self._answer(sparse)

    @traced
    def _serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._answer(tf.io.parse_example(examples, self._feature_spec))

    @traced
    def _features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.transform(tf.io.parse_example(examples, self._raw_spec))

    def _answer(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        features = dict(self.transform(raw))
        features.pop(self._label, None)
        columns = {name: tf.reshape(value, [-1, 1]) for name, value in features.items()}
        return {"probability": tf.squeeze(self._model(columns), axis=1)}


def _without_missing(values: tf.Tensor) -> tf.SparseTensor:
    """A (batch,) tensor as the sparse (batch, 1) one of parsed tf.Examples."""
    column = values[:, tf.newaxis]
    if column.dtype == tf.string:
        present = tf.not_equal(column, "")
    elif column.dtype.is_floating:
        present = tf.logical_not(tf.math.is_nan(column))
    else:
        present = tf.ones_like(column, dtype=tf.bool)
    return tf.SparseTensor(
        tf.where(present),
        tf.boolean_mask(column, present),
        tf.shape(column, out_type=tf.int64),
    )
