"""Raw TFRecords as transformed columns, and what the model must know of them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_transform as tft

from models.inputs import CategoryInput, InputSpec, NumericInput
from transform import features as features_lib

_ROWS_AT_A_TIME = 1 << 14

_LOG = logging.getLogger("millrace")


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
        known = transformed.vocabulary_size_by_name(name)
        # One more: the id of what is missing.
        specs.append(CategoryInput(name, 1 + known + vocabulary.oov_buckets))
    for column, size in features.integers.items():
        specs.append(CategoryInput(features_lib.integer_name(column), 1 + size + 1))
    return specs


@dataclasses.dataclass(frozen=True)
class Examples:
    """A split, transformed, in memory."""

    columns: dict[str, tf.Tensor]
    """Transformed name -> shape (rows, 1)."""

    labels: tf.Tensor
    """0 or 1, int64, shape (rows, 1)."""

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def batches(self, size: int, seed: int | None = None) -> tf.data.Dataset:
        """(columns, labels) of `size` rows; with a seed, in a new order each epoch."""
        # Numbers are shuffled and not rows: 3 million rows of 20 columns would be
        # 60 million small tensors.
        order = tf.data.Dataset.range(len(self))
        if seed is not None:
            order = order.shuffle(len(self), seed=seed)
        return order.batch(size).map(self._rows).prefetch(2)

    def _rows(self, places: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        columns = {name: tf.gather(c, places) for name, c in self.columns.items()}
        return columns, tf.gather(self.labels, places)


def load(
    files: Sequence[str], transformed: tft.TFTransformOutput, label: str
) -> Examples:
    """All examples of a split that have a label.

    Raises:
      ValueError: the split is empty, or its label has a single class.
    """
    columns = _labelled(_columns(files, transformed), label)
    labels = columns.pop(label)
    require_both_classes(labels, label, files)
    return Examples(columns, labels)


def _labelled(columns: dict[str, tf.Tensor], label: str) -> dict[str, tf.Tensor]:
    """Without the rows whose label nobody knows."""
    known = columns[label][:, 0] != features_lib.NO_LABEL
    left_out = int(tf.reduce_sum(tf.cast(~known, tf.int64)))
    if not left_out:
        return columns
    _LOG.info("%d rows have no label and are left out", left_out)
    return {name: tf.boolean_mask(c, known) for name, c in columns.items()}


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
    """Applies Transform's graph to the raw rows, as the serving signatures do."""
    spec = transformed.raw_feature_spec()
    layer = transformed.transform_features_layer()
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    # Without autograph, as in trainer.export.
    transform = tf.function(
        lambda rows: layer(tf.io.parse_example(rows, spec)), autograph=False
    )
    parts = list(records.batch(_ROWS_AT_A_TIME).map(transform))
    if not parts:
        raise ValueError(f"no examples in {', '.join(files) or 'an empty split'}")
    return {
        name: tf.concat([tf.reshape(part[name], [-1, 1]) for part in parts], axis=0)
        for name in parts[0]
    }
