"""All values of a column decide its kind, and a code is not a number."""

from __future__ import annotations

import decimal

import pyarrow as pa
import pytest

from pipeline.data import suggestion


def seen(*batches):
    found: dict[str, suggestion.Seen] = {}
    for values in batches:
        array = values if isinstance(values, pa.Array) else pa.array(values)
        suggestion.add_batch(found, pa.RecordBatch.from_pydict({"c": array}))
    return found["c"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", None, "0"], "INT"),
        (["1", "2.5"], "FLOAT"),
        (["1e3", "2"], "FLOAT"),
        (["8.0", "9"], "FLOAT"),
        (["1", "x"], "BYTES"),
        (["08:30", "9:15"], "BYTES"),
        (["2024-01-01"], "BYTES"),
        (["true", "false"], "BYTES"),
        ([True, None], "INT"),
        ([1, 2], "INT"),
        ([1.5], "FLOAT"),
        ([decimal.Decimal("1.5")], "FLOAT"),
        ([b"\xff"], "BYTES"),
        (pa.array(["a", "b"]).dictionary_encode(), "BYTES"),
        ([None, None], None),
    ],
)
def test_what_the_values_say(values, kind):
    found = seen(values)

    assert (found.kind, found.reason) == (kind, None)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["02134", "10001"], "'02134' starts with a zero, so it is a code"),
        (["1", "-007"], "'-007' starts with a zero, so it is a code"),
        (["1", str(2**63)], f"{2**63} is more than a 64-bit integer holds"),
        (pa.array([2**63], pa.uint64()), f"{2**63} is more than a 64-bit integer"),
    ],
)
def test_what_looks_like_a_number_and_is_none_says_why(values, reason):
    found = seen(values)

    assert found.kind == "BYTES"
    assert reason in found.reason


@pytest.mark.parametrize("order", [1, -1])
def test_a_later_batch_counts_as_much_as_the_first(order):
    assert seen(*[["1"], ["2.5"], [None]][::order]).kind == "FLOAT"
    assert seen(*[["1"], ["x"]][::order]).kind == "BYTES"
    code = seen(*[["1"], ["01"]][::order])
    assert code.kind == "BYTES"
    assert code.reason


def test_a_reason_is_gone_when_a_value_is_text_anyway():
    found = seen(["01"], ["x"])

    assert (found.kind, found.reason) == ("BYTES", None)


def test_a_column_of_lists_is_named():
    with pytest.raises(TypeError, match="column 'c' is list"):
        seen([[1, 2]])
