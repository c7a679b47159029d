"""Which column plays which role, and what is refused."""

from __future__ import annotations

import pydantic
import pytest

from transform import features as features_lib
from transform.features import Features

EQUALS = {"name": "tipped", "rule": "equals", "column": "tip", "value": "yes"}
RATIO = {
    "name": "big",
    "rule": "ratio_above",
    "column": "tips",
    "denominator": "fare",
    "threshold": 0.2,
}


def refusal(**values) -> str:
    with pytest.raises(pydantic.ValidationError) as caught:
        Features.model_validate(values)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "roles",
    [
        {"numeric": ["tip"]},
        {"buckets": {"tip": 3}},
        {"vocabulary": {"tip": {}}},
        {"integers": {"tip": 3}},
    ],
)
def test_a_label_column_cannot_be_a_feature_in_any_role(roles):
    assert refusal(label=EQUALS, **roles) == (
        "Value error, 'tip' makes the label and is a feature too: "
        "the model would be told the answer"
    )


def test_a_model_without_features_is_refused():
    assert refusal(label=EQUALS) == (
        "Value error, no column has a role; name at least one feature"
    )


@pytest.mark.parametrize(
    "name",
    ["trip miles", "trip-miles", "trip.miles", "_trip", "9a", "ä", "", "class", "self"],
)
def test_a_column_that_no_signature_can_name_is_refused_before_training(name):
    said = refusal(numeric=["fare", name], label=EQUALS)

    assert f"Value error, {name!r}: a served model is asked by column" in said


@pytest.mark.parametrize(
    ("label", "missing"),
    [
        ({**RATIO, "denominator": None}, "denominator"),
        ({**RATIO, "threshold": None}, "threshold"),
        (
            {**RATIO, "denominator": None, "threshold": None},
            "denominator and threshold",
        ),
        ({**EQUALS, "value": None}, "value"),
    ],
)
def test_a_label_rule_names_what_it_lacks(label, missing):
    assert refusal(numeric=["miles"], label=label) == (
        f"Value error, rule '{label['rule']}' needs {missing}"
    )


def test_an_unknown_label_rule_is_refused_with_the_known_ones():
    label = {**EQUALS, "rule": "above"}

    assert refusal(numeric=["miles"], label=label) == (
        "Input should be 'ratio_above' or 'equals'"
    )


def test_a_column_with_two_roles_is_one_column():
    features = Features.model_validate(
        {"numeric": ["b", "a"], "buckets": {"b": 3, "c": 3}, "label": EQUALS}
    )

    assert features.columns == ("b", "a", "c")


def test_only_the_label_reads_its_own_columns():
    features = Features.model_validate({"numeric": ["miles"], "label": RATIO})

    assert features.label_columns == ("tips", "fare")
    assert features.required == ("miles", "tips", "fare")


def test_a_denominator_may_be_a_feature_too():
    features = Features.model_validate({"numeric": ["fare"], "label": RATIO})

    assert features.label_columns == ("tips",)
    assert features.required == ("fare", "tips")


def test_each_role_gives_a_column_another_name():
    names = {
        features_lib.numeric_name("x"),
        features_lib.bucket_name("x"),
        features_lib.vocabulary_name("x"),
        features_lib.integer_name("x"),
    }

    assert names == {"x_z", "x_bucket", "x_id", "x_int"}


def test_the_roles_survive_being_written_down():
    features = Features.model_validate(
        {"numeric": ["fare"], "vocabulary": {"company": {"size": 5}}, "label": RATIO}
    )

    assert Features.model_validate(features.model_dump(mode="json")) == features


@pytest.mark.parametrize(
    ("roles", "place"),
    [
        ({"buckets": {"fare": 0}}, "buckets"),
        ({"buckets": {"fare": 1}}, "buckets"),
        ({"integers": {"hour": 0}}, "integers"),
    ],
)
def test_a_number_of_buckets_that_cannot_be_is_refused(roles, place):
    with pytest.raises(pydantic.ValidationError) as caught:
        Features.model_validate({"label": EQUALS, **roles})

    [problem] = caught.value.errors()
    assert problem["loc"][0] == place
    assert "greater than or equal to" in problem["msg"]


@pytest.mark.parametrize("name", ["fare_z", "miles_bucket", "kind_id", "hour_int"])
def test_a_label_that_is_called_as_a_transformed_feature_is_refused(name):
    said = refusal(
        numeric=["fare"],
        buckets={"miles": 3},
        vocabulary={"kind": {}},
        integers={"hour": 24},
        label={**EQUALS, "name": name},
    )

    assert f"label.name '{name}'" in said


def test_a_feature_that_is_named_twice_is_refused():
    assert refusal(numeric=["fare", "fare"], label=EQUALS) == (
        "Value error, numeric names fare more than once"
    )
