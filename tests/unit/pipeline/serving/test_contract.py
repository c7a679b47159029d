"""What the curated schema allows in a row that is scored."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.serving.contract import Contract

SCHEMA = """
feature {
  name: "fare" type: FLOAT presence { min_fraction: 1.0 }
  float_domain { min: 0 max: 100 disallow_nan: true }
}
feature { name: "hour" type: INT int_domain { min: 0 max: 23 } }
feature { name: "tip" type: FLOAT float_domain { min: 0 } }
feature { name: "payment" type: BYTES presence { min_fraction: 1.0 } }
"""


@pytest.fixture
def found(tmp_path):
    (tmp_path / "schema.pbtxt").write_text(SCHEMA)
    contract = Contract(str(tmp_path / "schema.pbtxt"))

    def found(name: str, column: pa.Array) -> list[tuple[int, str, str]]:
        return [(m.index, m.value, m.reason) for m in contract.check(name, column)]

    return found


def test_a_value_that_the_schema_needs_may_not_be_missing(found):
    assert found("fare", pa.array([1.0, None], pa.float32())) == [
        (1, "", "is missing; the schema needs it")
    ]


def test_a_value_that_may_be_missing_may_be_missing(found):
    assert found("hour", pa.array([None, 3], pa.int64())) == []


def test_a_number_outside_of_its_range_misfits(found):
    assert found("hour", pa.array([0, 23, 24, -1], pa.int64())) == [
        (2, "24", "is not within 0 to 23, as the schema has it"),
        (3, "-1", "is not within 0 to 23, as the schema has it"),
    ]


def test_a_bound_that_the_schema_does_not_give_is_none(found):
    column = pa.array([1e30, -1.0], pa.float32())

    assert [index for index, _, _ in found("tip", column)] == [1]


def test_nan_misfits_where_the_schema_does_not_allow_it(found):
    column = pa.array([float("nan"), 1.0], pa.float32())

    assert found("fare", column) == [(0, "nan", "is not a number")]


def test_a_name_that_is_new_fits(found):
    assert found("payment", pa.array([b"Barter"], pa.binary())) == []


def test_a_column_that_the_schema_does_not_know_is_free(found):
    assert found("other", pa.array([None], pa.null())) == []
