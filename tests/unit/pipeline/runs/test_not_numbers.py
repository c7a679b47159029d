"""What is no number is said in one line."""

from __future__ import annotations

import pytest

from pipeline.runs.not_numbers import NotNumbers


@pytest.mark.parametrize(
    ("nan", "infinite", "said"),
    [
        (1200, 0, "1,200 NaN"),
        (0, 2, "2 infinite or beyond float32"),
        (1, 2, "1 NaN, 2 infinite or beyond float32"),
    ],
)
def test_it_says_where_and_how_many_of_which(nan, infinite, said):
    found = NotNumbers(split="test", column="fare", nan=nan, infinite=infinite)

    assert str(found) == f"fare in test: {said}"
    assert NotNumbers.from_dict(found.to_dict()) == found
