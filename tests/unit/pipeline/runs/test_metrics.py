"""What is not defined on a slice is left out, and not a number in disguise."""

from __future__ import annotations

from pipeline.runs import metrics

PLAIN = {"overall": {"auc": 0.9, "precision": None}, "grade=A": {"auc": None}}


def test_what_is_not_defined_is_left_out():
    assert metrics.defined(PLAIN) == {"overall": {"auc": 0.9}, "grade=A": {}}


def test_all_rows_are_one_of_the_slices():
    assert metrics.overall(PLAIN) == {"auc": 0.9}
    assert metrics.overall({}) == {}
