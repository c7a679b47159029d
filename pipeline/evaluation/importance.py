"""What a model's answers rest on: a raw column's values change places among rows.

Asked through the signature that is served, so what is measured is what is deployed,
Transform's graph included. How much the area under ROC falls is the importance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from tfx_bsl.coders import example_coder

from pipeline.data import records
from pipeline.evaluation import intervals

MAX_ROWS = 1000
MAX_COLUMNS = 200
_SEED = 20130101

Ask = Callable[[list[bytes]], np.ndarray]
"""Serialized raw tf.Examples -> probabilities, shape (rows,)."""


@dataclasses.dataclass(frozen=True)
class Importance:
    """One raw column's share in the answers."""

    feature: str
    loss: float
    """How much the area under ROC falls without the column."""

    low: float
    high: float


def of(
    ask: Ask,
    rows: Sequence[bytes],
    labels: np.ndarray,
    columns: Sequence[str],
) -> tuple[int, list[Importance]]:
    """The number of rows that were asked, and each column's importance, falling.

    At most 1,000 rows, spread evenly over all: the same rows, the same answer.

    Args:
      ask: the model.
      rows: serialized raw tf.Examples.
      labels: 0 or 1, shape (rows,).
      columns: the raw columns that the model reads; of more than 200, the first.
    """
    places = np.unique(np.linspace(0, len(rows) - 1, MAX_ROWS).astype(int))
    sample, truth = [rows[place] for place in places], labels[places]
    if not 0 < truth.sum() < len(truth):
        return len(places), []
    table = records.decoded(sample)
    known = [name for name in columns[:MAX_COLUMNS] if name in table.schema.names]
    order = np.random.default_rng(_SEED).permutation(len(sample))
    # One question for all columns: a model answers rows faster than calls.
    mixed = [row for name in known for row in _mixed(table, name, order)]
    answers = ask([*sample, *mixed]).reshape(len(known) + 1, len(sample))
    found = [
        _importance(name, truth, answers[0], answer)
        for name, answer in zip(known, answers[1:], strict=True)
    ]
    return len(places), sorted(found, key=lambda each: (-each.loss, each.feature))


def _mixed(table: pa.RecordBatch, column: str, order: np.ndarray) -> list[bytes]:
    """The rows with that column's values in another order."""
    place = records.place_of(table, column)
    changed = table.set_column(
        place, table.schema.field(place), table.column(place).take(pa.array(order))
    )
    return example_coder.RecordBatchToExamplesEncoder().encode(changed)


def _importance(
    name: str, labels: np.ndarray, before: np.ndarray, after: np.ndarray
) -> Importance:
    loss = intervals.auc(labels, before) - intervals.auc(labels, after)
    low, high = intervals.differences((labels, before), (labels, after))["auc"]
    return Importance(name, loss, loss + low, loss + high)
