"""What is written beside an evaluation says what the models' answers say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.evaluation import explanation, importance, metrics
from pipeline.evaluation.scoring import Answers, Asked
from pipeline.evaluation.slicing import SlicedRows, Slices

RANDOM = np.random.default_rng(13)
LABELS = (RANDOM.random(300) < 0.4).astype(float)
SLICES = Slices(
    (
        SlicedRows((), "overall", np.arange(300)),
        SlicedRows((("color", b"red"),), "color=red", np.arange(0, 300, 2)),
        SlicedRows((("age in [7]", b"[7, inf)"),), "age=[7, inf)", np.arange(3)),
    ),
    {},
)


class Model:
    columns = ("x",)

    def predictions(self, rows):
        raise AssertionError("importance is a test of its own")


@pytest.fixture(autouse=True)
def _nothing_is_important(monkeypatch):
    monkeypatch.setattr(importance, "of", lambda *_: (7, []))


def asked(*names: str) -> Asked:
    answers = {
        name: Answers(LABELS, np.clip(RANDOM.normal(0.3 + 0.3 * LABELS, 0.2), 0, 1))
        for name in names
    }
    return Asked([b""] * 300, dict.fromkeys(names, Model()), answers, SLICES)


def test_every_slice_has_its_intervals_by_the_name_that_people_read():
    found = explanation.of(asked("candidate"))

    names = ["overall", "color=red", "age=[7, inf)"]
    assert list(found["intervals"]) == names
    low, high = found["intervals"]["overall"]["accuracy"]
    assert 0.5 < low < high < 1


def test_a_baseline_is_compared_on_every_slice():
    both = asked("candidate", "baseline")

    found = explanation.of(both)

    new, old = (
        metrics.all_of(each.labels, each.predictions) for each in both.answers.values()
    )
    difference, low, high = found["differences"]["overall"]["auc"]
    assert difference == pytest.approx(new["auc"] - old["auc"])
    assert low < difference < high
    assert set(found["curves"]) == {"candidate", "baseline"}


def test_a_model_alone_is_the_candidate_whatever_tfma_calls_it():
    found = explanation.of(asked(""))

    assert set(found["curves"]) == {"candidate"}
    assert found["differences"] == {}


def test_it_is_plain_json():
    found = explanation.of(asked("candidate", "baseline"))

    assert json.loads(json.dumps(found, allow_nan=False)) == found
