"""Models' answers on a split -> TFMA's result files, a batch at a time.

What TFMA's Beam pipeline does example by example, and the same files: whoever reads a
stock Evaluator's output (tfma.load_eval_result) reads this.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer

from pipeline.config.evaluation import Slice
from pipeline.data import records
from pipeline.evaluation import metrics, slicing
from pipeline.evaluation.slicing import SliceKey, Slices
from transform.features import NO_LABEL

Values = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Answers:
    """One model on every row of a split; arrays of shape (rows,)."""

    labels: np.ndarray
    predictions: np.ndarray


class Model:
    """A SavedModel, loaded, with the signatures that an evaluation asks."""

    def __init__(self, path: str, spec: config_pb2.ModelSpec) -> None:
        signatures = tf.saved_model.load(path).signatures
        self._serve = signatures[spec.signature_name]
        self._transform = signatures[spec.preprocessing_function_names[0]]
        self._spec = spec
        _, columns = signatures["serving_default"].structured_input_signature
        self.columns = sorted(columns)
        """The raw columns that it reads."""

    def predictions(self, rows: Sequence[bytes]) -> np.ndarray:
        """The probability of each row, shape (rows,)."""
        return self._asked(self._serve, self._spec.prediction_key, rows)

    def labels(self, rows: Sequence[bytes]) -> np.ndarray:
        """Each row's label as the model's own Transform graph has it."""
        return self._asked(self._transform, self._spec.label_key, rows)

    def _asked(
        self, signature: Callable[..., Any], key: str, rows: Sequence[bytes]
    ) -> np.ndarray:
        size = records.BATCH_ROWS
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        answers = [signature(tf.constant(batch))[key].numpy() for batch in batches]
        return np.concatenate([a.reshape(-1) for a in answers]).astype(np.float64)


@dataclasses.dataclass(frozen=True)
class Asked:
    """All models' answers on a split, and its slices."""

    rows: list[bytes]
    """Serialized raw tf.Examples."""

    models: Mapping[str, Model]
    answers: Mapping[str, Answers]
    """By the name of the model's spec, as `models`."""

    slices: Slices

    unlabelled: int = 0
    """Rows of the split that have no label, and were not asked."""


def ask(
    models: Mapping[str, str],
    split_folder: str,
    eval_config: config_pb2.EvalConfig,
    rules: Sequence[Slice] = (),
) -> Asked:
    """Asks every model for every row.

    Args:
      models: model spec's name -> SavedModel.
      split_folder: gzip TFRecords of raw tf.Examples.
      eval_config: names signature and label.
      rules: what is sliced.

    Raises:
      ValueError: the split is empty.
      Exception: whatever a model raises that does not fit the rows.
    """
    rows = [row for batch in records.serialized(split_folder) for row in batch]
    if not rows:
        raise ValueError(f"no rows to evaluate in {split_folder}")
    specs = {spec.name: spec for spec in eval_config.model_specs}
    loaded = {name: Model(path, specs[name]) for name, path in models.items()}
    # One truth for all: today's rule, as the candidate's Transform graph has it.
    [candidate] = [name for name in loaded if not specs[name].is_baseline]
    labels = loaded[candidate].labels(rows)
    known = labels != NO_LABEL
    unlabelled, labels = int(np.sum(~known)), labels[known]
    rows = [row for row, is_known in zip(rows, known, strict=True) if is_known]
    if not rows:
        raise ValueError(f"no row in {split_folder} has a label")
    answers = {
        name: Answers(labels, model.predictions(rows)) for name, model in loaded.items()
    }
    return Asked(rows, loaded, answers, slicing.of(rows, rules), unlabelled)


def write_rows(rows: Sequence[bytes], split_folder: str) -> None:
    """Writes serialized tf.Examples as a split, for TFMA's pipeline."""
    tf.io.gfile.makedirs(split_folder)
    path = os.path.join(split_folder, "data-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, options="GZIP") as writer:
        for row in rows:
            writer.write(row)


def score(asked: Asked) -> Iterator[tuple[SliceKey, dict[str, Values]]]:
    """Each slice's key, and model -> metric -> value on it."""
    for each in asked.slices.rows:
        at = each.places
        yield (
            each.key,
            {
                name: metrics.all_of(found.labels[at], found.predictions[at])
                for name, found in asked.answers.items()
            },
        )


def write(
    folder: str,
    scores: Iterator[tuple[SliceKey, dict[str, Values]]],
    models: Mapping[str, str],
    data: str,
    eval_config: config_pb2.EvalConfig,
) -> None:
    """Writes what tfma.load_eval_result reads."""
    tf.io.gfile.makedirs(folder)
    with tf.io.TFRecordWriter(_file(folder, "metrics")) as writer:
        for key, by_model in scores:
            proto = metrics_plots_and_validations_writer.convert_slice_metrics_to_proto(
                (key, _keyed(by_model, eval_config)), add_metrics_callbacks=None
            )
            writer.write(proto.SerializeToString())
    for empty in ("plots", "attributions"):
        tf.io.TFRecordWriter(_file(folder, empty)).close()
    run = config_pb2.EvalRun(
        eval_config=eval_config,
        version=tfma.version.VERSION,
        data_location=data,
        file_format="tfrecords_gzip",
        model_locations=dict(models),
    )
    with tf.io.gfile.GFile(os.path.join(folder, "eval_config.json"), "w") as file:
        file.write(json_format.MessageToJson(run))


def _file(folder: str, name: str) -> str:
    return os.path.join(folder, f"{name}-00000-of-00001.tfrecord")


def _keyed(
    by_model: dict[str, Values], eval_config: config_pb2.EvalConfig
) -> dict[metric_types.MetricKey, float]:
    """TFMA's keys: a name for each model if there are two, and their differences."""
    if len(by_model) == 1:
        [values] = by_model.values()
        return {metric_types.MetricKey(name=n): value for n, value in values.items()}
    keyed = {
        metric_types.MetricKey(name=n, model_name=model): value
        for model, values in by_model.items()
        for n, value in values.items()
    }
    [baseline] = [spec.name for spec in eval_config.model_specs if spec.is_baseline]
    [candidate] = set(by_model) - {baseline}
    for name, value in by_model[candidate].items():
        key = metric_types.MetricKey(name=name, model_name=candidate, is_diff=True)
        keyed[key] = value - by_model[baseline][name]
    return keyed
