"""A constant and the best single column, as tables."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline.evaluation import rivals
from pipeline.evaluation.rivals import Part
from pipeline.evaluation.scoring import Answers, Asked
from pipeline.evaluation.slicing import SlicedRows, Slices
from transform.features import NO_LABEL

RANDOM = np.random.default_rng(0)


def table(**columns) -> pa.RecordBatch:
    """Rows as tf.Examples are decoded: lists, null where there is nothing."""
    return pa.RecordBatch.from_pydict(
        {
            name: pa.array([None if v is None else [v] for v in values])
            for name, values in columns.items()
        }
    )


def part(rows: int) -> Part:
    """`paid` decides the label nine times of ten; `noise` never; `far` is a ramp."""
    paid = RANDOM.integers(0, 2, rows)
    labels = np.where(RANDOM.random(rows) < 0.9, paid, 1 - paid)
    far = labels * 10 + RANDOM.normal(0, 8, rows)
    return Part(
        table(
            paid=[b"card" if p else b"cash" for p in paid],
            noise=[int(n) for n in RANDOM.integers(0, 5, rows)],
            far=[float(f) for f in far],
        ),
        labels,
    )


TRAIN, EVAL, TEST = part(4000), part(1000), part(1000)


def test_the_constant_is_the_share_of_positives_in_train():
    assert rivals.constant(TRAIN, 3).tolist() == [TRAIN.labels.mean()] * 3


def test_the_best_column_answers_the_share_of_each_value():
    name, answers = rivals.best_column(
        TRAIN, EVAL, TEST.table, ["noise", "far", "paid"]
    )

    assert name == "paid"
    card = np.array([row["paid"] == [b"card"] for row in TEST.table.to_pylist()])
    assert answers[card] == pytest.approx(0.9, abs=0.02)
    assert answers[~card] == pytest.approx(0.1, abs=0.02)


def test_numbers_are_put_into_bins():
    name, answers = rivals.best_column(TRAIN, EVAL, TEST.table, ["noise", "far"])

    loss = rivals.log_losses(TEST.labels, answers).mean()
    flat = rivals.log_losses(TEST.labels, rivals.constant(TRAIN, 1000)).mean()
    assert name == "far"
    assert loss < flat - 0.05


def test_the_column_is_chosen_on_eval_and_not_on_the_rows_it_was_fitted_on():
    """In train a column of keys knows every label; on other rows it knows none."""
    keys = np.repeat(np.arange(100), 40)
    labels = keys % 2
    right = RANDOM.random(len(keys)) < 0.8
    paid = [b"card" if p else b"cash" for p in np.where(right, labels, 1 - labels)]
    train = Part(table(key=[f"{k}".encode() for k in keys], paid=paid), labels)
    held_out = Part(
        table(key=[b"new"] * 1000, paid=_of(EVAL.table, "paid")), EVAL.labels
    )

    name, _ = rivals.best_column(train, held_out, held_out.table, ["key", "paid"])

    assert name == "paid"


def _of(rows: pa.RecordBatch, column: str) -> list:
    return [row[column][0] for row in rows.to_pylist()]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_missing_value_has_a_share_of_its_own_and_an_unseen_one_the_whole_share(
    value,
):
    train = Part(
        table(far=[*([value] * 100), *([1.0] * 100)]),
        np.array([1] * 100 + [0] * 100),
    )

    _, answers = rivals.best_column(train, train, table(far=[value, 1.0, 7.0]), ["far"])

    assert answers[0] > 0.9
    assert answers[1] < 0.1
    assert answers[2] == 0.5


def test_a_column_that_the_rows_do_not_have_is_passed_over():
    assert rivals.best_column(TRAIN, EVAL, TEST.table, ["gone"]) is None

    name, answers = rivals.best_column(TRAIN, EVAL, table(other=[1, 2]), ["paid"])

    assert name == "paid"
    assert len(answers) == 2


def test_a_loss_is_that_of_the_label():
    losses = rivals.log_losses(np.array([1, 0, 1]), np.array([0.8, 0.8, math.nan]))

    assert losses[:2] == pytest.approx([-math.log(0.8), -math.log(0.2)])
    assert losses[2] > 10


class Known:
    """A model whose Transform knows each row's label: it is the row itself."""

    columns = ("paid",)

    def labels(self, rows: list[bytes]) -> np.ndarray:
        return np.array([LABELS[row] for row in rows])


LABELS: dict[bytes, int] = {}


def example(paid: str, label: int, number: int) -> bytes:
    row = tf.train.Example()
    row.features.feature["paid"].bytes_list.value.append(paid.encode())
    row.features.feature["number"].int64_list.value.append(number)
    serialized = row.SerializeToString()
    LABELS[serialized] = label
    return serialized


@pytest.fixture
def folders(tmp_path):
    """Splits in which paying by card is the label, and some rows have none."""

    def folder(split: str) -> str:
        return str(tmp_path / f"Split-{split}")

    for split in ("train", "eval"):
        (tmp_path / f"Split-{split}").mkdir()
        path = f"{folder(split)}/data.gz"
        with tf.io.TFRecordWriter(path, options="GZIP") as writer:
            for n in range(60):
                label = NO_LABEL if n % 3 == 2 else n % 2
                writer.write(example(("cash", "card")[n % 2], label, n))
    return folder


def test_each_slice_has_both_beside_the_model_on_the_same_rows(folders):
    rows = [example(("cash", "card")[n % 2], n % 2, 100 + n) for n in range(40)]
    labels = np.array([n % 2 for n in range(40)], float)
    perfect = Answers(labels, np.where(labels > 0, 0.99, 0.01))
    places = np.arange(40)
    cards = SlicedRows((("paid", b"card"),), "paid=card", places[labels > 0])
    slices = Slices(
        (SlicedRows((), "overall", places), cards), {"paid": ("paid=card",)}
    )
    asked = Asked(rows, {"": Known()}, {"": perfect}, slices)

    found = rivals.of(asked, folders)

    assert [(each.slice, each.column) for each in found] == [
        *(("overall", column) for column in ("", "paid")),
        *(("paid=card", column) for column in ("", "paid")),
    ]
    constant, paid, *cards = found
    assert constant.log_loss == pytest.approx(math.log(2))
    assert constant.auc == 0.5
    assert paid.auc == 1.0
    assert paid.model_log_loss == pytest.approx(-math.log(0.99))
    assert constant.is_beaten
    assert paid.is_beaten
    assert [each.auc for each in cards] == [None, None]
