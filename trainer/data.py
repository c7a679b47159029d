"""Transformed TFRecords as tf.data, and what the model must know of their columns."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_transform as tft

from models.inputs import CategoryInput, InputSpec, NumericInput
from transform import features as features_lib


def input_specs(
    features: features_lib.Features, transformed: tft.TFTransformOutput
) -> list[InputSpec]:
    """One spec for each transformed feature; vocabulary sizes come from Transform."""
    specs: list[InputSpec] = []
    for column in features.numeric:
        specs.append(NumericInput(features_lib.numeric_name(column)))
    for column, count in features.buckets.items():
        specs.append(CategoryInput(features_lib.bucket_name(column), count + 1))
    for column, vocabulary in features.vocabulary.items():
        name = features_lib.vocabulary_name(column)
        size = transformed.vocabulary_size_by_name(name) + vocabulary.oov_buckets
        specs.append(CategoryInput(name, size))
    for column, size in features.integers.items():
        specs.append(CategoryInput(features_lib.integer_name(column), size + 1))
    return specs


def load(
    files: Sequence[str], transformed: tft.TFTransformOutput, label: str
) -> tf.data.Dataset:
    """All examples of a split in memory, unbatched.

    Returns:
      A dataset of (features, label): a dict of tensors of shape (1,), and an int64
      tensor of shape (1,).

    Raises:
      ValueError: the split is empty, or its label has a single class.
    """
    columns = _columns(files, transformed)
    labels = columns.pop(label)
    require_both_classes(labels, label, files)
    return tf.data.Dataset.from_tensor_slices((columns, labels))


def require_both_classes(labels: tf.Tensor, label: str, files: Sequence[str]) -> None:
    """Refuses a label that nothing can be learned from."""
    positives = int(tf.reduce_sum(labels))
    if 0 < positives < len(labels):
        return
    raise ValueError(
        f"label '{label}' has one class only: {positives} of {len(labels)} examples "
        f"are positive in {', '.join(files)}. Expected both classes. Check "
        "features.label (rule, column, threshold) and the raw column it reads."
    )


def _columns(
    files: Sequence[str], transformed: tft.TFTransformOutput
) -> dict[str, tf.Tensor]:
    spec = {
        name: tf.io.FixedLenFeature([1], feature.dtype)
        for name, feature in transformed.transformed_feature_spec().items()
    }
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    batches = records.batch(4096).map(lambda batch: tf.io.parse_example(batch, spec))
    parts = list(batches)
    if not parts:
        raise ValueError(f"no examples in {', '.join(files) or 'an empty split'}")
    return {name: tf.concat([part[name] for part in parts], axis=0) for name in spec}
