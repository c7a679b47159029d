"""The newest span inside a range, numbered as TFX numbers it."""

from __future__ import annotations

import datetime

import pytest

from pipeline.data import spans
from pipeline.errors import DataUnreadable


def days(text: str) -> int:
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


@pytest.fixture
def dated(tmp_path):
    for day in ("2026-10-31", "2026-11-01", "2026-11-04"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "rows.csv").write_text("x\n1\n")
    (tmp_path / "2026-11-02").mkdir()  # and nothing in it
    return str(tmp_path)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-11-01", "2026-11-01"),
        ("2026-11-03", "2026-11-01"),
        ("2027-01-01", "2026-11-04"),
    ],
)
def test_it_is_the_newest_that_is_not_after_the_last(dated, last, expected):
    found = spans.newest(dated, "{YYYY}-{MM}-{DD}/*", 0, days(last))

    assert found == days(expected)


def test_nothing_so_early_says_what_is_the_oldest(dated):
    with pytest.raises(DataUnreadable) as refused:
        spans.newest(dated, "{YYYY}-{MM}-{DD}/*", 0, days("2026-10-01"))

    assert f"up to span {days('2026-10-01')} (2026-10-01)" in str(refused.value)
    assert f"the oldest there is span {days('2026-10-31')} (2026-10-31)" in str(
        refused.value
    )


def test_a_folder_with_no_span_at_all_says_so(tmp_path):
    with pytest.raises(DataUnreadable, match="there is no span"):
        spans.newest(str(tmp_path), "{SPAN}/*", 0, 9)


def test_numbered_spans_count_as_numbers_and_others_are_left_out(tmp_path):
    for name in ("9", "10", "tmp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.csv").write_text("x\n1\n")

    assert spans.newest(str(tmp_path), "{SPAN}/*", 0, 20000) == 10
    assert spans.newest(str(tmp_path), "{SPAN}/*", 0, 9) == 9
