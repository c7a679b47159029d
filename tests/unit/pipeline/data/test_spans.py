"""The newest span inside a range, numbered as TFX numbers it."""

from __future__ import annotations

import datetime

import pytest

from pipeline.data import spans
from pipeline.errors import DataUnreadable


def days(text: str) -> int:
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


DATED = ["2026-10-31/a.csv", "2026-11-01/a.csv", "2026-11-04/a.csv", "2026-11-02"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-11-01", "2026-11-01"),
        ("2026-11-03", "2026-11-01"),
        ("2027-01-01", "2026-11-04"),
    ],
)
def test_it_is_the_newest_that_is_not_after_the_last(last, expected):
    found = spans.newest("d", DATED, "{YYYY}-{MM}-{DD}/*", 0, days(last))

    assert found == days(expected)


def test_nothing_so_early_says_what_is_the_oldest():
    with pytest.raises(DataUnreadable) as refused:
        spans.newest("d", DATED, "{YYYY}-{MM}-{DD}/*", 0, days("2026-10-01"))

    assert f"up to span {days('2026-10-01')} (2026-10-01)" in str(refused.value)
    assert f"the oldest there is span {days('2026-10-31')} (2026-10-31)" in str(
        refused.value
    )


def test_a_folder_with_no_span_at_all_says_so():
    with pytest.raises(DataUnreadable, match=r"d: .* there is no span"):
        spans.newest("d", [], "{SPAN}/*", 0, 9)


def test_numbered_spans_count_as_numbers_and_others_are_left_out():
    names = [f"{name}/rows.csv" for name in ("9", "10", "tmp")]

    assert spans.newest("d", names, "{SPAN}/*", 0, 20000) == 10
    assert spans.newest("d", names, "{SPAN}/*", 0, 9) == 9


def test_what_is_no_day_is_no_span():
    names = ["2026-02-31/a.csv", "2026-02-28/a.csv"]

    found = spans.newest("d", names, "{YYYY}-{MM}-{DD}/*", 0, 99999)

    assert found == days("2026-02-28")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("span-{SPAN}/*", ["span-1/a.csv", "span-01/a.csv"]),
        ("span-{SPAN}/v{VERSION}/*.csv", ["span-1/v1/a.csv", "span-1/v01/a.csv"]),
        ("s{SPAN}-*.csv", ["s7-a.csv", "s007-b.csv"]),
    ],
)
def test_a_span_or_version_that_is_written_in_two_ways_is_refused(pattern, names):
    with pytest.raises(DataUnreadable) as refused:
        spans.require_one_name_each("d", names, pattern)

    assert all(name in str(refused.value) for name in names)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("span-{SPAN}/*", ["span-1/a.csv", "span-1/b.csv", "span-10/a.csv"]),
        ("span-{SPAN:2}/*", ["span-1/a.csv", "span-01/a.csv"]),
        ("{YYYY}-{MM}-{DD}/*", DATED),
        ("*", ["a1.csv", "a01.csv"]),
    ],
)
def test_files_of_one_span_and_other_spans_are_fine(pattern, names):
    spans.require_one_name_each("d", names, pattern)

    assert spans.glob(pattern).count("{") == 0
