"""What costs nothing: a constant, and the best single column as a table.

A model that is no better than one of them has learned nothing that pays for it. The
constant answers the share of positives in train; a column's table answers the share of
each of its values there (numbers in quantile bins), drawn towards the whole share where
rows are few. Columns are fitted on train and chosen on eval, so that the choice cannot
flatter itself on the rows that judge.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.data import records
from pipeline.evaluation import intervals, metrics
from pipeline.evaluation.scoring import Answers, Asked, Model
from pipeline.evaluation.slicing import SlicedRows
from pipeline.runs.verdict import Rival
from transform.features import NO_LABEL

MAX_ROWS = 50_000
"""Of train, and of eval: more rows hardly move a table of twenty shares."""

_PRIOR_ROWS = 10
_BINS = 20
_MAX_VALUES = 200
_CLIP = 1e-7

Encoder = Callable[[pa.RecordBatch], np.ndarray]
"""A table of rows -> each row's place among the values known from train, or -1."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows of a split with their labels."""

    table: pa.RecordBatch
    labels: np.ndarray
    """0 or 1, shape (rows,)."""


def of(asked: Asked, split_folder: Callable[[str], str]) -> list[Rival]:
    """The constant and the best column beside the candidate, on every slice.

    Args:
      asked: the candidate's answers, on rows that have a label.
      split_folder: name of a split -> its folder, of gzip TFRecords.

    Returns:
      Two for each slice, those of all rows first; the constant alone where no column
      has a value.
    """
    [name] = [name for name in asked.answers if name != metrics.BASELINE]
    model, ours = asked.models[name], asked.answers[name]
    train, held_out = (_part(model, split_folder(s)) for s in ("train", "eval"))
    answers = {"": constant(train, len(asked.rows))}
    test = records.decoded(asked.rows)
    if best := best_column(train, held_out, test, model.columns):
        answers[best[0]] = best[1]
    return [
        _beside(each, column, ours, answer)
        for each in asked.slices.rows
        for column, answer in answers.items()
    ]


def champion(asked: Asked) -> Rival | None:
    """The baseline beside the candidate on all rows; None where there is none."""
    theirs = asked.answers.get(metrics.BASELINE)
    if theirs is None:
        return None
    [name] = [name for name in asked.answers if name != metrics.BASELINE]
    return _beside(asked.slices.rows[0], "", asked.answers[name], theirs.predictions)


def _part(model: Model, folder: str) -> Part:
    """The first rows of a split that have a label."""
    rows: list[bytes] = []
    for batch in records.serialized(folder):
        rows += batch
        if len(rows) >= MAX_ROWS:
            break
    rows = rows[:MAX_ROWS]
    labels = model.labels(rows)
    known = labels != NO_LABEL
    rows = [row for row, keep in zip(rows, known, strict=True) if keep]
    return Part(records.decoded(rows), labels[known])


def _beside(rows: SlicedRows, column: str, ours: Answers, answers: np.ndarray) -> Rival:
    labels, theirs = ours.labels[rows.places], answers[rows.places]
    losses = log_losses(labels, theirs)
    model = log_losses(labels, ours.predictions[rows.places])
    gains = losses - model
    margin = intervals.Z * float(gains.std()) / math.sqrt(len(gains))
    one_class = labels.min() == labels.max()
    return Rival(
        slice=rows.name,
        column=column,
        auc=None if one_class else intervals.auc(labels, theirs),
        accuracy=float(np.mean((theirs > 0.5) == (labels > 0))),
        log_loss=float(losses.mean()),
        model_log_loss=float(model.mean()),
        low=float(gains.mean()) - margin,
        high=float(gains.mean()) + margin,
    )


def constant(train: Part, rows: int) -> np.ndarray:
    """The share of positives in train as everybody's answer, shape (rows,)."""
    return np.full(rows, float(train.labels.mean()))


def best_column(
    train: Part, held_out: Part, test: pa.RecordBatch, columns: Sequence[str]
) -> tuple[str, np.ndarray] | None:
    """The column whose table has the lowest log loss on eval, and its answers on test.

    Args:
      train: fits the tables.
      held_out: chooses among them.
      test: is answered.
      columns: raw columns that the model reads; those without values are passed over.

    Returns:
      None when no column has a value in train.
    """
    found: list[tuple[float, str, Callable[[pa.RecordBatch], np.ndarray]]] = []
    for column in columns:
        if not records.has_column(train.table, column):
            continue
        answer = _fitted(train, column)
        loss = float(log_losses(held_out.labels, answer(held_out.table)).mean())
        found.append((loss, column, answer))
    if not found:
        return None
    _, name, answer = min(found, key=lambda each: each[:2])
    return name, answer(test)


def log_losses(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """The loss of each row, shape (rows,); what is not a number loses most."""
    known = np.nan_to_num(predictions, nan=_CLIP)
    sure = np.clip(known, _CLIP, 1 - _CLIP)
    return -np.where(labels > 0, np.log(sure), np.log1p(-sure))


def _fitted(train: Part, column: str) -> Callable[[pa.RecordBatch], np.ndarray]:
    encode, size = _encoder(train.table, column)
    prior = float(train.labels.mean())
    codes = encode(train.table)
    count = np.bincount(codes[codes >= 0], minlength=size)
    positive = np.bincount(
        codes[codes >= 0], weights=train.labels[codes >= 0], minlength=size
    )
    shares = (positive + _PRIOR_ROWS * prior) / (count + _PRIOR_ROWS)

    def answer(table: pa.RecordBatch) -> np.ndarray:
        places = encode(table)
        return np.where(places >= 0, shares[np.maximum(places, 0)], prior)

    return answer


def _encoder(table: pa.RecordBatch, column: str) -> tuple[Encoder, int]:
    """Codes of the column's values, missing among them, and how many there are."""
    values = _values(table, column)
    present = [value for value in values if value is not None]
    kinds = sorted(set(present))
    is_text = bool(present) and isinstance(present[0], bytes | str)
    if is_text or len(kinds) <= _MAX_VALUES:
        if len(kinds) > _MAX_VALUES:
            kinds = _most_frequent(present)
        places = {value: place for place, value in enumerate([None, *kinds])}
        return (
            lambda other: np.array(
                [places.get(value, -1) for value in _values(other, column)], int
            ),
            len(places),
        )
    edges = np.unique(np.quantile(np.array(present, float), np.linspace(0, 1, _BINS)))

    def binned(other: pa.RecordBatch) -> np.ndarray:
        found = _values(other, column)
        numbers = np.array([np.nan if v is None else v for v in found], float)
        places = 1 + np.searchsorted(edges, numbers, side="right")
        return np.where(np.isnan(numbers), 0, places)

    return binned, len(edges) + 2


def _most_frequent(values: Sequence[Any]) -> list[Any]:
    kinds, counts = np.unique(np.array(values, object), return_counts=True)
    return list(kinds[np.argsort(-counts, kind="stable")[:_MAX_VALUES]])


def _values(table: pa.RecordBatch, column: str) -> list[Any]:
    """The first value of each row; None where there is none, or no finite number."""
    found: list[Any] = [None] * table.num_rows
    if not records.has_column(table, column):
        return found
    lists = table.column(records.place_of(table, column))
    places = pc.list_parent_indices(lists).to_pylist()
    for place, value in zip(places, pc.list_flatten(lists).to_pylist(), strict=True):
        if found[place] is None and not _is_nothing(value):
            found[place] = value
    return found


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not np.isfinite(value))
