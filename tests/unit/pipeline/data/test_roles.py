"""A setting names a column that is there, and that can be what it is to be."""

from __future__ import annotations

import json

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.config import config as config_lib
from pipeline.data import roles

SCHEMA = text_format.Parse(
    """
    feature { name: "grade" type: BYTES }
    feature { name: "amount" type: FLOAT }
    feature { name: "age" type: INT }
    feature { name: "opened" type: BYTES }
    feature { name: "outcome" type: BYTES }
    feature { name: "owed" type: FLOAT }
    """,
    schema_pb2.Schema(),
)
COLUMNS = [feature.name for feature in SCHEMA.feature]
FEATURES = {
    "numeric": ["amount", "age"],
    "buckets": {"amount": 4},
    "vocabulary": {"grade": {}, "age": {}},
    "integers": {"age": 99},
    "label": {"name": "bad", "rule": "equals", "column": "outcome", "value": "yes"},
}
GOOD = {
    "pipeline_name": "loans",
    "features": FEATURES,
    "evaluation": {"slices": [{"column": "grade"}]},
    "data": {
        "path": "/data",
        "schema_file": "schema.pbtxt",
        "split_by": "grade",
        "time_column": "opened",
    },
    "validation": {},
    "notifications": {"channels": {}},
}


@pytest.fixture
def found(tmp_path):
    """The problems of GOOD with one section's keys changed."""

    def found(section: str = "data", header=COLUMNS, **keys) -> list[str]:
        value = {**GOOD, section: {**GOOD[section], **keys}}
        file = tmp_path / "config.yaml"
        file.write_text(json.dumps(value))
        return roles.problems(config_lib.load([file]).config, SCHEMA, header)

    return found


def test_every_role_that_fits_is_accepted(found):
    assert found() == []


@pytest.mark.parametrize(
    ("setting", "value", "meant"),
    [
        ("features.numeric", ["amuont"], "amount"),
        ("features.buckets", {"amuont": 4}, "amount"),
        ("features.vocabulary", {"garde": {}}, "grade"),
        ("features.integers", {"aeg": 9}, "age"),
        ("evaluation.slices", [{"column": "garde"}], "grade"),
        ("evaluation.slices", [{"columns": ["age", "garde"]}], "grade"),
        ("evaluation.slices", [{"ranges": {"aeg": [18]}}], "age"),
        ("data.split_by", "garde", "grade"),
        ("data.time_column", "openend", "opened"),
    ],
)
def test_a_name_that_the_schema_has_not_is_named_with_the_nearest(
    found, setting, value, meant
):
    section, key = setting.split(".")

    [line] = found(section, **{key: value})

    assert line.startswith(f"{setting}: there is no column '")
    assert line.endswith(f"did you mean '{meant}'?")


def test_the_columns_of_the_label_are_checked_too(found):
    label = {
        "name": "bad",
        "rule": "ratio_above",
        "column": "owd",
        "denominator": "amuont",
        "threshold": 0.2,
    }

    unknown = found("features", label=label)

    assert [line.split(":")[0] for line in unknown] == [
        "features.label.column",
        "features.label.denominator",
    ]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("numeric", ["grade"], "features.numeric: column 'grade' is text"),
        ("buckets", {"grade": 3}, "features.buckets: column 'grade' is text"),
        ("vocabulary", {"amount": {}}, "features.vocabulary: column 'amount' is numb"),
        ("integers", {"amount": 3}, "features.integers: column 'amount' is numbers"),
    ],
)
def test_a_type_that_cannot_play_the_role_is_refused(found, key, value, problem):
    [line] = found("features", **{key: value})

    assert line.startswith(problem)
    assert "; it takes " in line


def test_words_are_not_put_into_ranges(found):
    [line] = found("evaluation", slices=[{"column": "grade", "ranges": [3]}])

    assert line.startswith("evaluation.slices: column 'grade' is text")


def test_who_waits_for_news_of_a_slice_that_cannot_be_is_told_so(found):
    def channels(*slices: str) -> dict:
        return {"fair": {"kind": "log", "only": {"slices": list(slices)}}}

    [line] = found("notifications", channels=channels("grade=A", "garde=A"))

    assert found("notifications", channels=channels("grade=A")) == []
    assert line.startswith(
        "notifications.channels.fair.only.slices: no rule of evaluation.slices makes "
        "'garde=A'; they are by: grade "
    )


def test_a_feature_or_label_that_the_data_has_not_is_refused_and_a_slice_is_not(found):
    header = [name for name in COLUMNS if name not in ("amount", "outcome", "owed")]

    lines = found("evaluation", header=header, slices=[{"column": "owed"}])

    assert {line.split(":")[0] for line in lines} == {
        "features.numeric",
        "features.buckets",
        "features.label.column",
    }
    assert all("in the data" in line for line in lines)


def test_where_only_a_service_sees_the_data_the_schema_is_asked_alone(found):
    assert found(header=None) == []
    assert len(found("features", header=None, numeric=["amuont"])) == 1


def test_an_anomaly_is_allowed_of_a_column_that_is_somewhere(found):
    def allowed(feature: str) -> list[str]:
        entry = {"feature": feature, "anomaly": "SCHEMA_NEW_COLUMN", "reason": "new"}
        return found("validation", header=[*COLUMNS, "extra"], allow=[entry])

    assert allowed("*") == allowed("grade") == allowed("extra") == []
    [line] = allowed("garde")
    assert line.startswith("validation.allow: there is no column 'garde'")
