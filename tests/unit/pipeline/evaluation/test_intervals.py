"""The formulas agree with what drawing the rows again and again gives."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation import intervals, metrics

RANDOM = np.random.default_rng(5)
LABELS = (RANDOM.random(1500) < 0.3).astype(float)
PREDICTIONS = np.clip(RANDOM.normal(0.3 + 0.3 * LABELS, 0.2), 0, 1)
OTHERS = np.clip(PREDICTIONS + RANDOM.normal(0, 0.05, 1500), 0, 1)
JUDGED = [name for name in metrics.METRICS if name != "example_count"]


def drawn(value) -> np.ndarray:
    """The value on 600 draws of the rows, with replacement."""
    draws = RANDOM.integers(0, len(LABELS), (600, len(LABELS)))
    return np.array([value(rows) for rows in draws])


@pytest.mark.parametrize("metric", JUDGED)
def test_an_interval_is_as_wide_as_drawing_the_rows_again_says(metric):
    values = metrics.all_of(LABELS, PREDICTIONS)

    low, high = intervals.of(values, LABELS, PREDICTIONS)[metric]

    again = drawn(lambda rows: metrics.METRICS[metric](LABELS[rows], PREDICTIONS[rows]))
    assert low < values[metric] < high
    assert high - low == pytest.approx(2 * intervals.Z * again.std(), rel=0.12)


@pytest.mark.parametrize("metric", ["auc", "accuracy", "calibration", "recall"])
def test_two_models_are_compared_row_by_row(metric):
    ends = intervals.differences((LABELS, PREDICTIONS), (LABELS, OTHERS))[metric]

    value = metrics.METRICS[metric]
    again = drawn(
        lambda rows: (
            value(LABELS[rows], PREDICTIONS[rows]) - value(LABELS[rows], OTHERS[rows])
        )
    )
    assert ends[1] == -ends[0]
    assert ends[1] == pytest.approx(intervals.Z * again.std(), rel=0.12)


def test_the_same_model_twice_differs_by_nothing_for_certain():
    same = (LABELS, PREDICTIONS)

    assert intervals.differences(same, same)["auc"] == (0, 0)


def test_the_area_is_the_share_of_pairs_in_the_right_order_ties_half():
    labels = np.array([1, 1, 0, 0, 0])
    predictions = np.array([0.9, 0.4, 0.4, 0.1, 0.5])

    pairs = [
        (up > down) + (up == down) / 2
        for up in predictions[labels == 1]
        for down in predictions[labels == 0]
    ]
    assert intervals.auc(labels, predictions) == pytest.approx(np.mean(pairs))


def test_few_rows_that_are_all_right_are_no_certainty():
    labels, predictions = np.array([1.0, 0, 0, 0]), np.array([0.9, 0.1, 0.2, 0.1])

    found = intervals.of(metrics.all_of(labels, predictions), labels, predictions)

    assert "auc" not in found
    assert found["accuracy"][0] < 0.52
    assert found["accuracy"][1] == pytest.approx(1)


def test_what_is_not_defined_has_no_interval():
    labels, predictions = np.zeros(40), np.linspace(0.1, 0.3, 40)

    found = intervals.of(metrics.all_of(labels, predictions), labels, predictions)

    assert found.keys() == {"accuracy", "mean_label", "mean_prediction"}


def test_wilsons_interval_is_that_of_the_textbook():
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for part, whole, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert intervals.wilson(part / whole, whole) == pytest.approx(
            (low, high), abs=5e-5
        )
