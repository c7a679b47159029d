"""A column matters as much as the answers are worse without it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipeline.data import records, writing
from pipeline.evaluation import importance

RANDOM = np.random.default_rng(11)
SIZE = 400
VALUES = {
    "used": RANDOM.random(SIZE),
    "weak": RANDOM.random(SIZE),
    "unused": RANDOM.random(SIZE),
}
LABELS = (VALUES["used"] + 0.3 * VALUES["weak"] > 0.65).astype(float)
ROWS = writing.encoded(
    pa.RecordBatch.from_pydict(
        {
            **{name: pa.array(v, pa.float32()) for name, v in VALUES.items()},
            "gaps": pa.array([None if n % 3 else b"x" for n in range(SIZE)]),
        }
    )
)


def answer(rows: list[bytes]) -> np.ndarray:
    columns = records.decoded(rows)
    used, weak = (
        columns.column(columns.schema.get_field_index(name)).flatten().to_numpy()
        for name in ("used", "weak")
    )
    return (used + 0.3 * weak) / 1.3


def test_columns_are_ordered_by_what_the_answers_lose():
    rows, found = importance.of(
        answer, ROWS, LABELS, ["gaps", "unused", "weak", "used"]
    )

    assert rows == SIZE
    assert [each.feature for each in found] == ["used", "weak", "gaps", "unused"]
    assert found[0].low > 0.2
    assert found[1].low > 0
    assert (found[3].loss, found[3].low, found[3].high) == (0, 0, 0)


def test_the_same_rows_give_the_same_answer():
    once = importance.of(answer, ROWS, LABELS, ["used", "weak"])

    assert importance.of(answer, ROWS, LABELS, ["used", "weak"]) == once


def test_of_many_rows_some_are_asked_from_first_to_last(monkeypatch):
    monkeypatch.setattr(importance, "MAX_ROWS", 50)
    asked = []

    def ask(rows):
        asked.extend(rows)
        return answer(rows)

    rows, _ = importance.of(ask, ROWS, LABELS, ["used"])

    assert rows == 50
    assert len(asked) == 2 * 50
    assert (asked[0], asked[49]) == (ROWS[0], ROWS[-1])


def test_a_column_that_the_rows_have_not_is_left_out():
    _, found = importance.of(answer, ROWS, LABELS, ["used", "gone"])

    assert [each.feature for each in found] == ["used"]


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_importance(label):
    assert importance.of(answer, ROWS, np.full(SIZE, label), ["used"]) == (SIZE, [])
