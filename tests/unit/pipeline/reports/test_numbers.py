"""A number is written in one way."""

from __future__ import annotations

import math

import pytest

from pipeline.reports import numbers

THIN, MINUS, NONE = "\u202f", "\u2212", "\u2013"


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (numbers.count, 15002, "15,002"),
        (numbers.count, None, NONE),
        (numbers.metric, 0.95652, "0.9565"),
        (numbers.metric, math.nan, NONE),
        (numbers.change, 0.0012, "+0.0012"),
        (numbers.change, -0.0012, f"{MINUS}0.0012"),
        (numbers.share, 0.0, f"0{THIN}%"),
        (numbers.share, 0.329, f"32.9{THIN}%"),
        (numbers.share, 0.5, f"50{THIN}%"),
        (numbers.share, 0.0001, f"<{THIN}0.1{THIN}%"),
        (numbers.share, 0.99998, f">{THIN}99.9{THIN}%"),
        (numbers.more, -4021, f"{MINUS}4,021"),
        (numbers.quantity, 17031010100, "17,031,010,100"),
        (numbers.quantity, -87.6553, f"{MINUS}87.66"),
        (numbers.quantity, 0.0385912, "0.03859"),
        (numbers.quantity, 4.2e-9, f"4.2e{MINUS}09"),
        (numbers.quantity, 0.0, "0"),
        (numbers.quantity, math.inf, NONE),
        (numbers.seconds, 0.57, f"0.6{THIN}s"),
        (numbers.seconds, 47.9, f"48{THIN}s"),
        (numbers.seconds, 59.8, f"1{THIN}min 00{THIN}s"),
        (numbers.seconds, 185, f"3{THIN}min 05{THIN}s"),
        (numbers.seconds, 7440, f"2{THIN}h 04{THIN}min"),
        (numbers.moment, 1795623675.8, "2026-11-25 16:21 UTC"),
    ],
)
def test_a_number_is_written_as_people_read_it(write, value, text):
    assert write(value) == text


def test_money_under_a_cent_is_not_nothing():
    assert numbers.money(1234.5, "USD") == "USD 1,234.50"
    assert numbers.money(0.0012, "EUR") == "EUR 0.0012"
