"""Times are compared as times, and a text that could mean two days is none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.data.times import Clock
from pipeline.errors import DataUnreadable


def texts(*values):
    return pa.array([v if v is None else v.encode() for v in values], pa.binary())


def ends(clock, values):
    return clock.ends(pa.RecordBatch.from_pydict({"t": values}))


def test_the_range_is_of_times_and_not_of_their_text():
    clock = Clock("t", "%m/%d/%Y")

    found = ends(clock, texts("12/31/2023", "01/02/2024", None, "11/20/2023"))

    assert found == ("2023-11-20", "2024-01-02")


def test_iso_8601_needs_no_format_and_zones_are_heeded():
    found = ends(
        Clock("t"), texts("2024-01-01T01:00:00+02:00", "2024-01-01T00:30:00+00:00")
    )

    assert found == ("2024-01-01T01:00:00+02:00", "2024-01-01T00:30:00+00:00")


def test_numbers_are_what_they_are():
    assert ends(Clock("t"), pa.array([3, None, 1])) == (1, 3)


@pytest.mark.parametrize("values", [texts(None, None), pa.nulls(2, pa.int64())])
def test_no_value_is_no_range(values):
    assert ends(Clock("t"), values) == ()


def test_another_column_or_none_is_not_looked_at():
    assert Clock("t").misfits("other", texts("x")) == []
    assert Clock().misfits("t", texts("x")) == []
    assert ends(Clock("gone"), texts("x")) == ()


@pytest.mark.parametrize(
    ("format_", "value"),
    [
        (None, "01/02/2024"),
        (None, "2024-02-30"),
        (None, "noon"),
        ("%d/%m/%Y", "31/02/2024"),
        ("%d/%m/%Y", "12/31/2023"),
        ("%d/%m/%Y", "2024-01-01"),
    ],
)
def test_what_is_no_time_misfits_and_the_others_do_not(format_, value):
    good = "2024-01-31" if format_ is None else "31/01/2024"
    clock = Clock("t", format_)

    [misfit] = clock.misfits("t", texts(good, None, value, good))

    assert (misfit.index, misfit.column, misfit.value) == (2, "t", value)
    assert "data.time_format" in misfit.reason


MIXED = ["2024-01-01T00:00:00+00:00", "2024-01-02"]


@pytest.mark.parametrize(
    "range_of",
    [Clock("t").range_of, lambda values: ends(Clock("t"), texts(*values))],
    ids=["of two units", "in one batch"],
)
def test_times_with_and_without_a_zone_are_not_compared(range_of):
    with pytest.raises(DataUnreadable, match="'t' have a zone and others have none"):
        range_of(MIXED)
