"""A picture of a model is a few points, and they lie where the rows put them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.evaluation import curves, intervals

RANDOM = np.random.default_rng(7)
LABELS = (RANDOM.random(20_000) < 0.25).astype(float)
PREDICTIONS = np.clip(RANDOM.normal(0.3 + 0.3 * LABELS, 0.2), 0, 1)


def test_the_area_under_the_few_points_is_that_of_all_rows():
    roc = np.array(curves.of(LABELS, PREDICTIONS)["roc"])

    area = np.trapezoid(roc[:, 1], roc[:, 0])
    assert len(roc) <= curves.MAX_POINTS + 1
    assert area == pytest.approx(intervals.auc(LABELS, PREDICTIONS), abs=5e-4)


def test_curves_run_from_one_end_to_the_other():
    found = curves.of(LABELS, PREDICTIONS)

    assert found["roc"][0] == [0, 0]
    assert found["roc"][-1] == [1, 1]
    assert found["precision_recall"][-1] == [1, pytest.approx(LABELS.mean(), abs=1e-5)]


def test_rows_of_one_score_are_one_point():
    found = curves.of(np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.5, 0.5]))

    assert found["roc"] == [[0, 0], [1, 1]]
    assert found["precision_recall"] == [[1, 0.5]]


def test_calibration_is_of_tenths_of_the_rows():
    labels, predictions = np.repeat([0.0, 1.0], 50), np.linspace(0, 1, 100)

    bins = curves.of(labels, predictions)["calibration"]

    assert [each["rows"] for each in bins] == [10] * 10
    assert [each["observed"] for each in bins] == [0] * 5 + [1] * 5
    assert bins[0]["predicted"] == pytest.approx(predictions[:10].mean(), abs=1e-5)
    assert bins[0]["low"] <= 0 < bins[0]["high"]


def test_scores_count_every_row_once():
    scores = curves.of(LABELS, PREDICTIONS)["scores"]

    assert sum(scores["positive"]) == LABELS.sum()
    assert sum(scores["negative"]) + sum(scores["positive"]) == len(LABELS)


def test_one_class_has_no_curve_and_still_a_calibration():
    found = curves.of(np.zeros(30), np.linspace(0, 0.5, 30))

    assert found["roc"] is None
    assert found["precision_recall"] is None
    assert len(found["calibration"]) == 10


def test_the_points_of_any_number_of_rows_are_a_few_kilobytes():
    assert len(json.dumps(curves.of(LABELS, PREDICTIONS))) < 10_000
