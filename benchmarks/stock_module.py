"""What stock TFX's Transform and Trainer call: Millrace's features, the usual way."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

LABEL = "big_tipper"
NUMERIC = ("trip_miles", "fare", "trip_seconds")
BUCKETS = {
    "fare": 20,
    "trip_miles": 20,
    "trip_seconds": 20,
    "pickup_latitude": 10,
    "pickup_longitude": 10,
    "dropoff_latitude": 10,
    "dropoff_longitude": 10,
}
"""Column -> number of quantile buckets."""
VOCABULARIES = {"payment_type": (20, 2), "company": (100, 4)}
"""Column -> values kept, out-of-vocabulary buckets."""
INTEGERS = {
    "trip_start_hour": 24,
    "trip_start_day": 8,
    "trip_start_month": 13,
    "pickup_community_area": 78,
    "dropoff_community_area": 78,
}
"""Column -> number of values; anything else shares one more."""

TRAIN_BATCH_SIZE = 256
EVAL_BATCH_SIZE = 4096
SEED = 20130101


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Maps raw columns to dense features of shape (batch, 1), and the label."""
    outputs = {}
    for column in NUMERIC:
        scaled = tft.scale_to_z_score(_floats(inputs[column]))
        outputs[f"{column}_xf"] = _dense(scaled, 0.0)
    for column, count in BUCKETS.items():
        buckets = tft.bucketize(_floats(inputs[column]), num_buckets=count)
        outputs[f"{column}_bucket"] = _dense(tf.cast(buckets, tf.int64), count)
    for column, (top_k, num_oov_buckets) in VOCABULARIES.items():
        outputs[f"{column}_xf"] = tft.compute_and_apply_vocabulary(
            _dense(inputs[column], ""),
            top_k=top_k,
            num_oov_buckets=num_oov_buckets,
            vocab_filename=column,
        )
    for column, size in INTEGERS.items():
        values = _dense(inputs[column], size)
        inside = (values >= 0) & (values < size)
        outputs[f"{column}_xf"] = tf.where(inside, values, tf.cast(size, tf.int64))

    fare = _dense(_floats(inputs["fare"]), 0.0)
    tips = _dense(_floats(inputs["tips"]), 0.0)
    outputs[LABEL] = tf.cast((tips > fare * 0.2) & (fare > 0), tf.int64)
    return outputs


def run_fn(fn_args: tfx.components.FnArgs) -> None:
    """Trains for exactly `fn_args.train_steps` steps and saves the model."""
    keras.utils.set_random_seed(SEED)
    transformed = tft.TFTransformOutput(fn_args.transform_graph_path)
    train = _dataset(
        fn_args, fn_args.train_files, transformed, batch_size=TRAIN_BATCH_SIZE
    )
    evaluation = _dataset(
        fn_args,
        fn_args.eval_files,
        transformed,
        batch_size=EVAL_BATCH_SIZE,
        num_epochs=1,
    )

    model = _wide_and_deep(transformed)
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc"), "accuracy"],
    )
    model.fit(
        train,
        steps_per_epoch=fn_args.train_steps,
        validation_data=evaluation,
        callbacks=[keras.callbacks.TensorBoard(log_dir=fn_args.model_run_dir)],
        verbose=2,
    )

    # As an attribute, so that its vocabulary tables are tracked and saved.
    model.tft_layer = transformed.transform_features_layer()
    tf.saved_model.save(
        model,
        fn_args.serving_model_dir,
        signatures={
            "serving_default": _serving_signature(model, transformed),
            "transform_features": _transform_signature(model, transformed),
        },
    )


def _floats(column: Any) -> Any:
    return tf.cast(column, tf.float32)


def _dense(column: tf.SparseTensor, missing: Any) -> tf.Tensor:
    shape = [column.dense_shape[0], 1]
    single = tf.SparseTensor(column.indices, column.values, shape)
    return tf.sparse.to_dense(single, default_value=missing)


def _dataset(
    fn_args: tfx.components.FnArgs,
    files: list[str],
    transformed: tft.TFTransformOutput,
    **options: int,
) -> tf.data.Dataset:
    return fn_args.data_accessor.tf_dataset_factory(
        files,
        tfxio.TensorFlowDatasetOptions(label_key=LABEL, **options),
        transformed.transformed_metadata.schema,
    )


def _category_sizes(transformed: tft.TFTransformOutput) -> dict[str, int]:
    """Transformed name -> number of ids."""
    sizes = {f"{column}_bucket": count + 1 for column, count in BUCKETS.items()}
    for column, (_, num_oov_buckets) in VOCABULARIES.items():
        known = transformed.vocabulary_size_by_name(column)
        sizes[f"{column}_xf"] = known + num_oov_buckets
    return sizes | {f"{column}_xf": size + 1 for column, size in INTEGERS.items()}


def _wide_and_deep(transformed: tft.TFTransformOutput) -> keras.Model:
    sizes = _category_sizes(transformed)
    inputs = {
        name: keras.Input(
            (1,), name=name, dtype="int64" if name in sizes else "float32"
        )
        for name in (*(f"{column}_xf" for column in NUMERIC), *sizes)
    }
    numbers = [inputs[f"{column}_xf"] for column in NUMERIC]
    wide, deep = list(numbers), list(numbers)
    for name, size in sizes.items():
        width = min(16, 2 + round(size**0.5))
        wide.append(_embedded(inputs[name], size, 1))
        deep.append(_embedded(inputs[name], size, width))

    hidden = keras.layers.Concatenate()(deep)
    for units in (64, 32):
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
        hidden = keras.layers.Dropout(0.1)(hidden)
    linear = keras.layers.Dense(1)(keras.layers.Concatenate()(wide))
    score = keras.layers.Add()([linear, keras.layers.Dense(1)(hidden)])
    return keras.Model(inputs, keras.layers.Activation("sigmoid")(score))


def _embedded(ids: keras.KerasTensor, size: int, width: int) -> keras.KerasTensor:
    return keras.layers.Flatten()(keras.layers.Embedding(size, width)(ids))


def _serving_signature(model: keras.Model, transformed: tft.TFTransformOutput) -> Any:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = transformed.raw_feature_spec()
        spec.pop("tips")  # not known when the model serves
        features = model.tft_layer(tf.io.parse_example(examples, spec))
        columns = {tensor.name: features[tensor.name] for tensor in model.inputs}
        return {"outputs": model(columns, training=False)}

    return serve


def _transform_signature(model: keras.Model, transformed: tft.TFTransformOutput) -> Any:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = transformed.raw_feature_spec()
        return model.tft_layer(tf.io.parse_example(examples, spec))

    return transform
