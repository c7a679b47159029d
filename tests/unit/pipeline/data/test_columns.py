"""Values become what the schema says, whatever else is in their block."""

from __future__ import annotations

import datetime
import decimal
import math

import numpy as np
import pyarrow as pa
import pytest

from pipeline.data import columns
from pipeline.data.columns import Misfit

NO_INT = "is not a whole number"
NO_FLOAT = "is not a number"


def values(kind, *given, type_=None) -> list:
    """The converted values; nothing may misfit."""
    column, misfits = columns.converted("x", pa.array(given, type_), kind)
    assert misfits == []
    assert column.type == columns.ARROW[kind]
    return column.to_pylist()


def misfits_of(kind, *given, type_=None) -> list[tuple[int, str]]:
    """(index, value) of each misfit."""
    column, misfits = columns.converted("x", pa.array(given, type_), kind)
    assert len(column) == len(given)
    assert all(column[misfit.index].as_py() is None for misfit in misfits)
    return [(misfit.index, misfit.value) for misfit in misfits]


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("INT", "8", 8),
        ("INT", "-8", -8),
        ("INT", "+8", 8),
        ("INT", "8.0", 8),
        ("INT", "8e2", 800),
        ("INT", " 8 ", 8),
        ("INT", "007", 7),
        ("INT", "9223372036854775807", 2**63 - 1),
        ("INT", "-9223372036854775808", -(2**63)),
        ("FLOAT", "8", 8.0),
        ("FLOAT", "8.5", 8.5),
        ("FLOAT", "-.5", -0.5),
        ("FLOAT", "+1e3", 1000.0),
        ("FLOAT", " 8.5 ", 8.5),
        ("FLOAT", "0.1", float(np.float32(0.1))),
        ("BYTES", " ü ", " ü ".encode()),
        ("BYTES", "1_000", b"1_000"),
    ],
)
@pytest.mark.parametrize("beside", ["fitting", "misfitting"])
def test_text_becomes_the_schemas_type(kind, given, expected, beside):
    """The slow path, which one misfit turns on, reads as the fast one does."""
    other = "x" if beside == "misfitting" else "1"

    column, _ = columns.converted("x", pa.array([given, other]), kind)

    assert column[0].as_py() == expected
    assert column.type == columns.ARROW[kind]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("INT", "8.5"),
        ("INT", "1_000"),
        ("INT", "1 000"),
        ("INT", "1,000"),
        ("INT", "0x10"),
        ("INT", " "),
        ("INT", "NaN"),
        ("INT", "inf"),
        ("INT", "true"),
        ("INT", "eight"),
        ("INT", "9223372036854775808"),
        ("INT", "-9223372036854775809"),
        ("INT", "1e30"),
        ("INT", "1e999999999999"),
        ("FLOAT", "1_000.5"),
        ("FLOAT", "1,5"),
        ("FLOAT", "0x1p3"),
        ("FLOAT", " "),
        ("FLOAT", "nan(3)"),
        ("FLOAT", "twelve"),
    ],
)
@pytest.mark.parametrize("beside", ["fitting", "misfitting"])
def test_text_that_is_no_number_misfits(kind, given, beside):
    other = ["x"] if beside == "misfitting" else ["1"]

    found = misfits_of(kind, given, *other)

    assert found[0] == (0, given)
    assert len(found) == (2 if beside == "misfitting" else 1)


@pytest.mark.parametrize("beside", ["1", "x"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [("inf", math.inf), ("-Infinity", -math.inf), ("1e39", math.inf)],
)
def test_infinity_is_left_for_the_schema_validator_to_refuse(given, expected, beside):
    column, misfits = columns.converted("x", pa.array([given, beside]), "FLOAT")

    assert column[0].as_py() == expected
    assert [misfit.index for misfit in misfits] == ([1] if beside == "x" else [])


@pytest.mark.parametrize("beside", ["1", "x"])
@pytest.mark.parametrize("given", ["nan", "NaN", "NAN"])
def test_nan_is_left_for_the_schema_validator_to_refuse(given, beside):
    column, _ = columns.converted("x", pa.array([given, beside]), "FLOAT")

    assert math.isnan(column[0].as_py())


def test_a_misfit_says_where_what_and_why():
    given = pa.array(["1", "x", None, "x", "4.5", "8.0"])

    column, misfits = columns.converted("hour", given, "INT")

    assert column.to_pylist() == [1, None, None, None, None, 8]
    assert misfits == [
        Misfit(1, "hour", "x", NO_INT),
        Misfit(3, "hour", "x", NO_INT),
        Misfit(4, "hour", "4.5", NO_INT),
    ]


def test_a_misfit_in_a_column_of_floats_has_its_own_reason():
    _, misfits = columns.converted("fare", pa.array(["1", "x"]), "FLOAT")

    assert misfits == [Misfit(1, "fare", "x", NO_FLOAT)]


@pytest.mark.parametrize("kind", ["INT", "FLOAT", "BYTES"])
@pytest.mark.parametrize("type_", [pa.null(), pa.string(), pa.int64(), pa.float64()])
def test_a_column_without_values_has_the_schemas_type(kind, type_):
    assert values(kind, None, None, type_=type_) == [None, None]


@pytest.mark.parametrize("kind", ["INT", "FLOAT", "BYTES"])
def test_a_column_without_rows_has_the_schemas_type(kind):
    assert values(kind, type_=pa.string()) == []


@pytest.mark.parametrize(
    ("type_", "given", "kind", "expected"),
    [
        (pa.int8(), 7, "INT", 7),
        (pa.uint64(), 7, "INT", 7),
        (pa.int64(), 2**53 + 1, "INT", 2**53 + 1),
        (pa.int64(), 7, "FLOAT", 7.0),
        (pa.int64(), 7, "BYTES", b"7"),
        (pa.float64(), 7.0, "INT", 7),
        (pa.float64(), 0.1, "FLOAT", float(np.float32(0.1))),
        (pa.float32(), 0.1, "FLOAT", float(np.float32(0.1))),
        (pa.float64(), 7.5, "BYTES", b"7.5"),
        (pa.bool_(), True, "INT", 1),
        (pa.bool_(), False, "FLOAT", 0.0),
        (pa.bool_(), True, "BYTES", b"true"),
        (pa.decimal128(5, 2), decimal.Decimal("7.00"), "INT", 7),
        (pa.decimal128(5, 2), decimal.Decimal("7.50"), "FLOAT", 7.5),
        (pa.decimal128(5, 2), decimal.Decimal("7.50"), "BYTES", b"7.50"),
        (pa.large_string(), "7", "INT", 7),
        (pa.large_string(), "ü", "BYTES", "ü".encode()),
        (pa.binary(), b"\xff", "BYTES", b"\xff"),
        (pa.large_binary(), b"\xff", "BYTES", b"\xff"),
        (pa.dictionary(pa.int32(), pa.string()), "7", "INT", 7),
        (pa.dictionary(pa.int32(), pa.string()), "ü", "BYTES", "ü".encode()),
    ],
    ids=str,
)
def test_a_parquets_column_becomes_the_schemas_type(type_, given, kind, expected):
    assert values(kind, given, None, type_=type_) == [expected, None]


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        (pa.float64(), 7.5, "7.5"),
        (pa.float64(), math.nan, "nan"),
        (pa.float64(), math.inf, "inf"),
        (pa.float64(), 1e30, "1e+30"),
        (pa.uint64(), 2**63, "9223372036854775808"),
        (pa.decimal128(5, 2), decimal.Decimal("7.50"), "7.50"),
    ],
    ids=str,
)
def test_a_parquets_number_that_is_no_whole_one_misfits(type_, given, value):
    good = type_ if isinstance(given, decimal.Decimal) else None
    one = decimal.Decimal("1.00") if good else type(given)(1)

    assert misfits_of("INT", one, given, None, type_=type_) == [(1, value)]


LISTS = [
    pa.list_(pa.int64()),
    pa.struct({"a": pa.int64()}),
    pa.map_(pa.string(), pa.int64()),
]
TIMES = [pa.timestamp("us"), pa.date32()]


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        *((kind, type_) for kind in ("INT", "FLOAT") for type_ in TIMES),
        *((kind, type_) for kind in ("INT", "FLOAT", "BYTES") for type_ in LISTS),
    ],
    ids=str,
)
def test_a_type_that_no_feature_can_hold_is_an_error(kind, type_):
    """Even without a value: an empty column of times tells the same mistake."""
    with pytest.raises(TypeError, match="column 'x' is ") as error:
        columns.converted("x", pa.nulls(1, type_), kind)

    assert str(type_) in str(error.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.datetime(2020, 1, 2, 3), b"2020-01-02 03:00:00.000000"),
        (datetime.date(2020, 1, 2), b"2020-01-02"),
    ],
    ids=["timestamp", "date"],
)
def test_a_time_may_be_text(value, text):
    column, misfits = columns.converted("x", pa.array([value, None]), "BYTES")

    assert column.to_pylist() == [text, None]
    assert misfits == []


def test_a_time_that_is_to_be_a_number_is_told_what_it_may_be():
    with pytest.raises(TypeError, match=r"one INT a row; the schema may have it as BY"):
        columns.converted("x", pa.nulls(1, pa.date32()), "INT")
