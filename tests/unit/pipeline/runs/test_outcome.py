"""The one word for how a run ended."""

from __future__ import annotations

import pytest

from pipeline import errors
from pipeline.runs import outcome
from pipeline.runs.outcome import Outcome


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyboardInterrupt(), Outcome.CANCELLED),
        (errors.DataRefused("no", {}), Outcome.DATA_REFUSED),
        (errors.PushFailed("no"), Outcome.PUSH_FAILED),
        (errors.NodeFailed("Trainer", "no"), Outcome.FAILED),
        (ValueError("no"), Outcome.FAILED),
        (MemoryError(), Outcome.FAILED),
    ],
)
def test_each_error_ends_a_run_in_one_word(error, expected):
    assert outcome.of_error(error) is expected


def test_the_exit_codes_are_the_documented_ones():
    assert {word.name: word.value for word in Outcome} == {
        "SUCCEEDED": 0,
        "FAILED": 1,
        "DATA_REFUSED": 3,
        "NOT_BLESSED": 4,
        "PUSH_FAILED": 5,
        "CANCELLED": 130,
    }
