"""The feature graph on a few rows, analysed and asked as in serving."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.tf_metadata import schema_utils

from pipeline.analysis import graph
from transform import missing, preprocessing
from transform.features import MISSING_ID, NO_LABEL, Features

RAW = {
    "miles": tf.float32,
    "latitude": tf.float32,
    "company": tf.string,
    "hour": tf.int64,
    "age": tf.int64,
    "tips": tf.float32,
    "fare": tf.float32,
    "same": tf.float32,
    "never": tf.float32,
    "late": tf.float32,
}

FEATURES = {
    "numeric": ["miles", "same", "never", "late"],
    "buckets": {"latitude": 4},
    "vocabulary": {
        "company": {"size": 2, "oov_buckets": 3},
        "age": {"size": 9, "oov_buckets": 1},
    },
    "integers": {"hour": 24},
    "label": {
        "name": "big",
        "rule": "ratio_above",
        "column": "tips",
        "denominator": "fare",
        "threshold": 0.2,
    },
}

# Mean 2 and standard deviation 1; "rare" falls off the vocabulary of two.
TRAIN = [
    *[{"miles": 1.0, "latitude": 1.0, "company": "Blue", "hour": 0}] * 4,
    *[{"miles": 3.0, "latitude": 2.0, "company": "Red", "hour": 1}] * 3,
    *[{"miles": 1.0, "latitude": 3.0, "company": "rare", "hour": 2}] * 1,
    *[{"miles": 3.0, "latitude": 4.0, "hour": 3}] * 2,
    *[{"latitude": 4.0}] * 2,
    # What is not a finite number is missing, here as in a request.
    {"miles": float("nan"), "latitude": float("nan")},
    {"miles": float("inf"), "latitude": 4.0},
    # Nor is what a request by column says for missing; -1 is a number like any other.
    {"miles": missing.NUMBER, "latitude": missing.NUMBER, "hour": missing.NUMBER},
    *[{"company": missing.TEXT, "age": missing.NUMBER}] * 9,
    *[{"age": 30}] * 3,
    *[{"age": -1}] * 2,
    *[{"late": 1.0}, {"late": 5.0}] * 2,
]
for _row in TRAIN:
    _row["same"] = 7.0


def config(features: dict) -> dict:
    return {"features": Features.model_validate(features).model_dump(mode="json")}


def columns(rows: list[dict], spec: dict[str, tf.DType]) -> dict[str, tf.SparseTensor]:
    """The rows as tf.Examples would have given them: a missing value has no entry."""
    sparse = {}
    for name, dtype in spec.items():
        present = [(i, row[name]) for i, row in enumerate(rows) if name in row]
        sparse[name] = tf.SparseTensor(
            np.array([[i, 0] for i, _ in present], dtype="int64").reshape(-1, 2),
            tf.constant([value for _, value in present], dtype),
            [len(rows), 1],
        )
    return sparse


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Transforms new rows with what was learned from TRAIN."""
    folder = tmp_path_factory.mktemp("transform")
    specs = {name: tf.SparseTensorSpec([None, 1], kind) for name, kind in RAW.items()}

    def graph_of(inputs):
        return preprocessing.preprocessing_fn(inputs, config(FEATURES))

    def shards():
        yield [columns(TRAIN[:9], RAW), columns(TRAIN[9:], RAW)]

    schema = schema_utils.schema_from_feature_spec(
        {name: tf.io.VarLenFeature(kind) for name, kind in RAW.items()}
    )
    graph.Graph(graph_of, specs, shards, str(folder)).save(str(folder / "out"), schema)
    layer = tft.TFTransformOutput(str(folder / "out")).transform_features_layer()

    def serve(rows: list[dict]) -> dict[str, list]:
        answers = layer(columns(rows, RAW))
        return {name: value.numpy().tolist() for name, value in answers.items()}

    return serve


def test_every_feature_and_the_label_are_one_value_a_row(serve):
    answers = serve([{}, {}, {}])

    assert set(answers) == {
        "miles_z",
        "same_z",
        "never_z",
        "late_z",
        "latitude_bucket",
        "company_id",
        "age_id",
        "hour_int",
        "big",
    }
    assert {len(values) for values in answers.values()} == {3}


def test_a_number_is_scaled_by_the_values_that_are_there(serve):
    answers = serve([{"miles": 1.0}, {"miles": 2.0}, {"miles": 4.0}])

    assert answers["miles_z"] == pytest.approx([-1.0, 0.0, 2.0], abs=1e-5)


def test_a_column_that_is_empty_in_the_first_rows_is_scaled_by_the_others(serve):
    assert serve([{"late": 1.0}, {"late": 9.0}, {}])["late_z"] == [-1.0, 3.0, 0.0]


def test_a_missing_number_is_the_mean(serve):
    assert serve([{}])["miles_z"] == [0.0]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 1e39, missing.NUMBER]
)
def test_what_is_not_a_finite_number_or_says_so_is_missing(serve, value):
    rows = [{"miles": value, "latitude": value}, {}]

    answers = serve(rows)

    for name in ("miles_z", "latitude_bucket"):
        assert answers[name][0] == answers[name][1]


@pytest.mark.parametrize("column", ["same", "never"])
def test_a_column_that_never_varied_in_training_says_nothing_when_served(serve, column):
    assert serve([{column: 7.0}, {column: 59.0}, {}])[f"{column}_z"] == [0.0] * 3


def test_values_with_line_breaks_are_told_apart():
    texts = ["a\nb", "a\\nb", "a\r\nb", "ab"]

    column = columns([{"x": text} for text in texts], {"x": tf.string})["x"]
    found = preprocessing._one_line(column).values.numpy().tolist()

    assert len(set(found)) == 4
    assert not any(b"\n" in text or b"\r" in text for text in found)


def test_buckets_are_ordered_and_a_missing_value_has_one_of_its_own(serve):
    rows = [{"latitude": value} for value in (-1e9, 1.0, 3.5, 1e9)]

    *ids, without = serve([*rows, {}])["latitude_bucket"]

    assert ids == sorted(ids)
    assert set(ids) <= {0, 1, 2, 3}
    assert len(set(ids)) > 1
    assert without == 4


def test_frequent_names_have_ids_by_their_frequency(serve):
    answers = serve([{"company": "Blue"}, {"company": "Red"}])

    assert answers["company_id"] == [1, 2]


def test_a_rare_and_a_new_name_share_the_buckets_after_them(serve):
    new = [{"company": f"company {number}"} for number in range(50)]

    ids = serve([{"company": "rare"}, *new])["company_id"]

    assert set(ids) == {3, 4, 5}


def test_a_missing_value_is_told_from_an_unseen_one(serve):
    """And from -1, which is a number like any other."""
    rows = [{"age": 30}, {"age": -1}, {"age": 77}, {"age": missing.NUMBER}, {}]

    assert serve(rows)["age_id"] == [1, 2, 3, MISSING_ID, MISSING_ID]
    assert serve([{"company": ""}, {}])["company_id"] == [MISSING_ID] * 2


def test_the_same_unseen_name_has_the_same_id_each_time(serve):
    one, two = serve([{"company": "new"}, {"company": "new"}])["company_id"]

    assert one == two


def test_an_integer_outside_its_range_has_the_last_id(serve):
    rows = [{"hour": 0}, {"hour": 23}, {"hour": 24}, {"hour": -1}, {"hour": 1 << 40}]

    assert serve(rows)["hour_int"] == [1, 24, 25, 25, 25]


def test_a_missing_integer_is_told_from_one_outside_its_range(serve):
    assert serve([{}, {"hour": missing.NUMBER}])["hour_int"] == [MISSING_ID] * 2


# The label rules learn nothing from the data, so they are asked directly.


def labels(rule: dict, spec: dict[str, tf.DType], rows: list[dict]) -> list[int]:
    features = {"integers": {"hour": 24}, "label": {"name": "label", **rule}}
    inputs = columns(rows, {"hour": tf.int64, **spec})
    outputs = preprocessing.preprocessing_fn(inputs, config(features))
    return outputs["label"].numpy().tolist()


def test_a_ratio_above_its_threshold_is_the_positive_label():
    rule = {**FEATURES["label"], "name": "label", "threshold": 0.25}
    rows = [
        {"tips": 2.0, "fare": 4.0},
        {"tips": 1.0, "fare": 4.0},
        {"tips": 0.5, "fare": 4.0},
    ]

    found = labels(rule, {"tips": tf.float32, "fare": tf.float32}, rows)

    assert found == [1, 0, 0]


def test_a_ratio_to_nothing_is_negative_and_one_of_nothing_is_no_label():
    rule = {**FEATURES["label"], "name": "label"}
    nan = float("nan")
    rows = [
        {"tips": 2.0, "fare": 0.0},
        {"tips": 2.0, "fare": -1.0},
        {"tips": 2.0},
        {"fare": 4.0},
        {"tips": nan, "fare": 4.0},
        {"tips": 2.0, "fare": nan},
        {},
    ]

    found = labels(rule, {"tips": tf.float32, "fare": tf.float32}, rows)

    assert found == [0, 0, *[NO_LABEL] * 5]


@pytest.mark.parametrize(
    ("tips", "fare"), [(2.45, 12.25), (1.65, 8.25), (0.89, 4.45), (3.0, 15.0)]
)
def test_a_ratio_that_is_the_threshold_is_not_above_it(tips, fare):
    rule = {**FEATURES["label"], "name": "label"}
    rows = [{"tips": tips + cents, "fare": fare} for cents in (-0.01, 0.0, 0.01)]

    assert labels(rule, {"tips": tf.float32, "fare": tf.float32}, rows) == [0, 0, 1]


def test_whole_numbers_make_a_ratio_too():
    rule = {**FEATURES["label"], "name": "label"}
    rows = [{"tips": 1, "fare": 4}, {"tips": 1, "fare": 10}]

    assert labels(rule, {"tips": tf.int64, "fare": tf.int64}, rows) == [1, 0]


@pytest.mark.parametrize(
    ("dtype", "same", "other"),
    [(tf.string, "1", "one"), (tf.int64, 1, 11), (tf.float32, 1.0, 1.5)],
)
def test_a_column_that_equals_the_value_is_the_positive_label(dtype, same, other):
    rule = {"rule": "equals", "column": "sale", "value": "1"}
    rows = [{"sale": same}, {"sale": other}, {}]

    assert labels(rule, {"sale": dtype}, rows) == [1, 0, NO_LABEL]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (tf.string, missing.TEXT),
        (tf.int64, missing.NUMBER),
        (tf.float32, float("nan")),
        (tf.float32, float("inf")),
    ],
)
def test_a_value_that_means_missing_is_no_label(dtype, value):
    rule = {"rule": "equals", "column": "sale", "value": "1"}

    assert labels(rule, {"sale": dtype}, [{"sale": value}]) == [NO_LABEL]
