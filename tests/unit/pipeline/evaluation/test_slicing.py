"""Which rows make a slice, and what it is called."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_model_analysis.slicer import slice_accessor, slicer_lib

from pipeline.config.evaluation import Slice
from pipeline.data import records
from pipeline.evaluation import slicing

KINDS = {bytes: "bytes_list", int: "int64_list", float: "float_list"}

# sex, race, age, fare
PEOPLE = [
    (b"f", b"white", 17, 0.7),
    (b"m", b"white", 18, 0.69),
    (b"f", b"black", 30, math.nan),
    (b"m", b"black", None, 0.7),
    (b"f", None, 64, math.inf),
    (None, b"white", -3, None),
]


def example(**columns) -> bytes:
    row = tf.train.Example()
    for name, value in columns.items():
        values = value if isinstance(value, list) else [value]
        for each in values:
            if each is not None:
                feature = row.features.feature[name]
                getattr(feature, KINDS[type(each)]).value.append(each)
    return row.SerializeToString()


ROWS = [
    example(**dict(zip(("sex", "race", "age", "fare"), person, strict=True)))
    for person in PEOPLE
]


def places(*rules: dict, rows=ROWS) -> dict[str, list[int]]:
    """The name of each slice, and its rows."""
    found = slicing.of(rows, [Slice.model_validate(rule) for rule in rules])
    [first, *others] = found.rows
    assert (first.key, first.name) == ((), "overall")
    assert first.places.tolist() == list(range(len(rows)))
    return {each.name: each.places.tolist() for each in others}


def test_each_value_is_a_slice_and_a_row_without_one_is_in_none():
    assert places({"column": "sex"}) == {"sex=f": [0, 2, 4], "sex=m": [1, 3]}


def test_ranges_are_half_open_go_on_to_both_ends_and_missing_is_one_of_them():
    rule = {"column": "age", "ranges": [0, 18, 30]}

    assert places(rule) == {
        "age=[-inf, 0)": [5],
        "age=[0, 18)": [0],
        "age=[18, 30)": [1],
        "age=[30, inf)": [2, 4],
        "age=missing": [3],
    }


def test_an_edge_is_the_number_that_a_file_s_cell_became():
    """0.7 is below 0.7 where one of both has been rounded to float32."""
    found = places({"column": "fare", "ranges": [0.7]})

    assert found["fare=[0.7, inf)"] == [0, 3]
    assert found["fare=[-inf, 0.7)"] == [1]


def test_what_is_no_finite_number_is_missing_in_ranges():
    assert places({"column": "fare", "ranges": [0.7]})["fare=missing"] == [2, 4, 5]


def test_values_are_crossed_in_the_order_of_the_columns_names():
    rule = {"columns": ["sex", "race"]}

    assert places(rule) == {
        "race=white,sex=f": [0],
        "race=white,sex=m": [1],
        "race=black,sex=f": [2],
        "race=black,sex=m": [3],
    }


def test_values_are_crossed_with_ranges():
    rule = {"columns": ["sex", "age"], "ranges": {"age": [18]}}

    assert places(rule) == {
        "age=[-inf, 18),sex=f": [0],
        "age=[18, inf),sex=m": [1],
        "age=[18, inf),sex=f": [2, 4],
        "age=missing,sex=m": [3],
    }


def test_the_largest_slices_are_those_of_the_most_rows_and_of_equals_by_name():
    assert list(places({"column": "race", "largest": 1})) == ["race=white"]
    assert list(places({"columns": ["sex", "race"], "largest": 2})) == [
        "race=black,sex=f",
        "race=black,sex=m",
    ]


def test_slices_stand_in_the_order_of_what_they_are():
    rows = [
        example(hour=hour, group=b"group %d" % hour, age=age)
        for hour, age in [(10, 30), (9, -7), (2, None), (2, -30)]
    ]

    assert list(places({"column": "hour"}, rows=rows)) == [
        "hour=2",
        "hour=9",
        "hour=10",
    ]
    assert list(places({"column": "group"}, rows=rows)) == [
        "group=group 2",
        "group=group 9",
        "group=group 10",
    ]
    by_age = {"column": "age", "ranges": [-20, -5, 10]}
    assert list(places(by_age, rows=rows)) == [
        "age=[-inf, -20)",
        "age=[-20, -5)",
        "age=[10, inf)",
        "age=missing",
    ]


def test_a_slice_of_two_rules_is_measured_once_and_belongs_to_both():
    rules = [Slice(column="race"), Slice(column="race", largest=1)]

    found = slicing.of(ROWS, rules)

    assert [each.name for each in found.rows] == ["overall", "race=black", "race=white"]
    assert found.by_rule == {
        "race": ("race=black", "race=white"),
        "race (1 largest)": ("race=white",),
    }


def test_a_row_with_several_values_is_in_a_slice_of_each():
    rows = [example(tag=[b"a", b"b", b"a"], n=[1, 5]), example(tag=[b"b"], n=[5])]

    assert places({"column": "tag"}, rows=rows) == {"tag=a": [0], "tag=b": [0, 1]}
    assert places({"ranges": {"n": [3]}}, rows=rows) == {
        "n=[-inf, 3)": [0],
        "n=[3, inf)": [0, 1],
    }
    assert places({"columns": ["tag", "n"]}, rows=rows) == {
        "n=1,tag=a": [0],
        "n=1,tag=b": [0],
        "n=5,tag=a": [0],
        "n=5,tag=b": [0, 1],
    }


@pytest.mark.parametrize(
    "rule",
    [
        {"columns": ["sex", "colour"]},
        {"column": "colour", "ranges": [1]},
        {"columns": ["sex", "colour"], "ranges": {"colour": [1]}},
    ],
)
def test_a_column_that_no_row_has_makes_no_slice(rule):
    assert places(rule) == {}
    empty = [row + example_without_values("colour") for row in ROWS]
    assert places(rule, rows=empty) == {}


def example_without_values(column: str) -> bytes:
    row = tf.train.Example()
    row.features.feature[column].float_list.SetInParent()
    return row.SerializeToString()


def test_two_slices_of_one_name_are_refused():
    rows = [example(a=b"x,b=y", b=b"z"), example(a=b"x", b=b"y")]
    rules = [Slice(column="a"), Slice(columns=("a", "b"))]

    with pytest.raises(ValueError, match="would be called 'a=x,b=y'"):
        slicing.of(rows, rules)


def tfmas(rows: list[bytes], rule: Slice) -> dict[str, list[int]]:
    """The slices that TFMA itself finds in the rows, by its own name of them."""
    spec = slicer_lib.SingleSliceSpec(columns=rule.feature_keys)
    found: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        features = tf.train.Example.FromString(row).features.feature
        values = {
            name: np.array(getattr(each, each.WhichOneof("kind")).value)
            for name, each in features.items()
        }
        for key in spec.generate_slices(slice_accessor.SliceAccessor([values])):
            found.setdefault(slicing.raw_name(key), []).append(place)
    return found


@pytest.mark.parametrize(
    "rule",
    [
        {"column": "sex"},
        {"columns": ["sex", "race"]},
        {"column": "age", "ranges": [0, 18, 30]},
        {"columns": ["sex", "age"], "ranges": {"age": [18]}},
    ],
    ids=lambda rule: "-".join(rule),
)
def test_tfma_finds_the_same_slices_in_the_rows_that_workers_get(rule):
    rule = Slice.model_validate(rule)
    rows = slicing.with_stand_ins(ROWS, [rule])

    mine = slicing.of(ROWS, [rule]).rows[1:]

    assert tfmas(rows, rule) == {
        slicing.raw_name(each.key): each.places.tolist() for each in mine
    }


def test_rows_with_stand_ins_hold_all_that_they_held():
    rules = [Slice.model_validate({"column": "age", "ranges": [18]})]

    found = records.decoded(slicing.with_stand_ins(ROWS, rules))

    before = records.decoded(ROWS)
    names = [*before.schema.names, "age in [18]"]
    assert sorted(found.schema.names) == sorted(names)
    assert [found.column(n).to_pylist() for n in ("sex", "race", "age")] == [
        before.column(n).to_pylist() for n in ("sex", "race", "age")
    ]
    words = itertools.chain(*found.column("age in [18]").to_pylist())
    low, high, nothing = b"[-inf, 18)", b"[18, inf)", b"missing"
    assert list(words) == [low, high, high, nothing, high, low]


def test_rows_stay_as_they_are_where_no_rule_has_ranges():
    assert slicing.with_stand_ins(ROWS, [Slice(columns=("sex", "race"))]) is ROWS
