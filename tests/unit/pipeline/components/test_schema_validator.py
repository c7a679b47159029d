"""What the data gate refuses, and in which words."""

from __future__ import annotations

import json
import math

import pandas as pd
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.types import channel_utils, standard_artifacts

from pipeline import errors, recorded
from pipeline.components import schema_validator
from pipeline.data import statistics as statistics_lib
from pipeline.runs.not_numbers import NotNumbers

FARE = (
    'name: "fare" type: FLOAT '
    "float_domain { min: 0.0 max: 100.0 disallow_nan: true } "
    "presence { min_fraction: 1.0 min_count: 1 }"
)
SCHEMA = text_format.Parse(
    f"""
    feature {{ {FARE} }}
    feature {{ name: "kind" type: BYTES domain: "kind" }}
    string_domain {{ name: "kind" value: "cash" value: "card" }}
    """,
    schema_pb2.Schema(),
)
GOOD = {"fare": [1.0, 2.5, 3.0], "kind": ["cash", "card", "cash"]}


def anomalies_of(data: dict) -> anomalies_pb2.Anomalies:
    statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame(data), n_jobs=1)
    return tfdv.validate_statistics(statistics, SCHEMA)


def findings(data: dict, allow=()) -> list[str]:
    return schema_validator.findings("train", anomalies_of(data), SCHEMA, list(allow))


def kinds(data: dict, allow=()) -> list[tuple[str, str]]:
    """(feature, anomaly) of each finding."""
    first = [paragraph.splitlines()[0] for paragraph in findings(data, allow)]
    return [(line.split("'")[1], line.rpartition(": ")[2]) for line in first]


def test_good_data_has_no_findings():
    assert findings(GOOD) == []


def test_a_new_column_is_found():
    assert kinds({**GOOD, "extra": [1, 2, 3]}) == [("extra", "SCHEMA_NEW_COLUMN")]


def test_a_missing_column_is_found():
    assert kinds({"kind": GOOD["kind"]}) == [
        ("fare", "SCHEMA_MISSING_COLUMN"),
    ]


def test_a_column_of_the_wrong_type_is_found():
    assert ("fare", "UNEXPECTED_DATA_TYPE") in kinds({**GOOD, "fare": ["a", "b", "c"]})


def test_a_nan_is_found_where_the_schema_forbids_it():
    anomalies = anomalies_of({**GOOD, "fare": [1.0, float("nan"), 3.0]})

    found = schema_validator.findings("train", anomalies, SCHEMA, [])

    assert len(found) == 1
    assert found[0].startswith("feature 'fare', split 'train': ")


def test_a_value_outside_its_domain_is_found():
    assert kinds({**GOOD, "kind": ["cash", "shells", "card"]}) == [
        ("kind", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")
    ]


def test_a_finding_names_feature_split_anomaly_what_was_expected_and_what_was_seen():
    (paragraph,) = findings({**GOOD, "fare": [1.0, 2.0, 250.0]})

    assert paragraph.splitlines() == [
        "feature 'fare', split 'train': FLOAT_TYPE_BIG_FLOAT",
        f"    expected: {FARE}",
        "    seen:     Unexpectedly high value: 250>100(upto six significant digits)",
    ]


def test_a_new_column_was_expected_by_nobody():
    (paragraph,) = findings({**GOOD, "extra": [1, 2, 3]})

    assert paragraph.splitlines()[1] == "    expected: no such column"


# The allow-list

NEW = {**GOOD, "extra": [1, 2, 3], "more": [1, 2, 3]}


def entry(feature: str, anomaly: str) -> dict[str, str]:
    return {"feature": feature, "anomaly": anomaly, "reason": "agreed"}


def test_an_allowed_anomaly_of_one_feature_lets_that_feature_pass():
    assert kinds(NEW, [entry("extra", "SCHEMA_NEW_COLUMN")]) == [
        ("more", "SCHEMA_NEW_COLUMN")
    ]


def test_an_allowed_anomaly_of_any_feature_lets_all_pass():
    assert findings(NEW, [entry("*", "SCHEMA_NEW_COLUMN")]) == []


def test_allowing_one_anomaly_of_a_feature_does_not_allow_another():
    assert kinds(NEW, [entry("extra", "FLOAT_TYPE_BIG_FLOAT")]) == [
        ("extra", "SCHEMA_NEW_COLUMN"),
        ("more", "SCHEMA_NEW_COLUMN"),
    ]


def test_two_anomalies_of_one_feature_are_two_findings():
    assert sorted(kinds({**GOOD, "fare": [-1.0, 2.0, 250.0]})) == [
        ("fare", "FLOAT_TYPE_BIG_FLOAT"),
        ("fare", "FLOAT_TYPE_SMALL_FLOAT"),
    ]


def test_an_anomaly_of_the_whole_data_set_is_found():
    anomalies = anomalies_pb2.Anomalies()
    anomalies.dataset_anomaly_info.reason.add(
        type=anomalies_pb2.AnomalyInfo.DATASET_LOW_NUM_EXAMPLES, description="3 rows"
    )

    (paragraph,) = schema_validator.findings("test", anomalies, SCHEMA, [])

    lines = paragraph.splitlines()
    assert "(the whole data set)" in lines[0]
    assert lines[0].endswith("split 'test': DATASET_LOW_NUM_EXAMPLES")
    assert lines[-1] == "    seen:     3 rows"


def test_a_refusal_counts_the_findings_and_says_what_to_do():
    text = schema_validator.refusal(["feature 'a': X", "feature 'b': Y"])

    assert text.splitlines() == [
        "the data does not fit the curated schema (2 anomalies):",
        "  feature 'a': X",
        "  feature 'b': Y",
        (
            "To do: fix the data; or, if the change is meant, look at "
            "`python local_runner.py schema diff` and edit the schema file; or allow "
            "this one anomaly under validation.allow in the configuration, with a "
            "reason."
        ),
    ]


# Drift

DRIFTING = text_format.Parse(
    """
    feature {
      name: "kind" type: BYTES
      drift_comparator { infinity_norm { threshold: 0.3 } }
    }
    """,
    schema_pb2.Schema(),
)


def run_gate(tmp_path, today: list[str], allow: list[dict[str, str]], scheme=""):
    """The node on statistics of today, compared with mostly cash; the anomalies."""
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = f"{scheme}{tmp_path}/statistics"
    statistics.split_names = '["train"]'
    baseline = tmp_path / "baseline.pb"
    _write(["cash"] * 9 + ["card"], baseline)
    _write(today, tmp_path / "statistics" / "Split-train" / "FeatureStats.pb")
    schema, anomalies = (
        standard_artifacts.Schema(),
        standard_artifacts.ExampleAnomalies(),
    )
    schema.uri, anomalies.uri = (
        f"{scheme}{tmp_path}/schema",
        f"{scheme}{tmp_path}/anomalies",
    )
    node = schema_validator.SchemaValidator(
        statistics=channel_utils.as_channel([statistics]),
        schema_text=text_format.MessageToString(DRIFTING),
        allow=allow,
        baseline=f"{scheme}{baseline}",
    )
    schema_validator.Executor().Do(
        {"statistics": [statistics]},
        {"schema": [schema], "anomalies": [anomalies]},
        node.exec_properties,
    )
    return anomalies


def _write(kinds: list[str], file) -> None:
    frame = pd.DataFrame({"kind": kinds})
    content = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.SerializeToString())


def test_drift_that_nobody_allowed_stops_the_run(tmp_path):
    with pytest.raises(errors.DataRefused, match="COMPARATOR_L_INFTY_HIGH"):
        run_gate(tmp_path, ["card"] * 9 + ["cash"], [])


def test_drift_that_is_allowed_passes_and_is_told(tmp_path):
    allowed = [entry("*", "COMPARATOR_L_INFTY_HIGH")]

    anomalies = run_gate(tmp_path, ["card"] * 9 + ["cash"], allowed)

    [line] = json.loads(
        anomalies.get_string_custom_property(recorded.Anomalies.DRIFTED)
    )
    assert line.startswith("kind, split 'train': The Linfty distance between ")
    assert "is 0.8" in line


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "address"])
def test_data_like_the_baseline_do_not_drift(tmp_path, scheme):
    """On Vertex all of them have addresses."""
    anomalies = run_gate(tmp_path, ["cash"] * 8 + ["card"] * 2, [], scheme)

    assert anomalies.get_string_custom_property(recorded.Anomalies.DRIFTED) == "[]"


def test_a_baseline_that_cannot_be_read_is_said_with_its_key(tmp_path):
    with pytest.raises(errors.UsageError, match="baseline_statistics: file:///gone"):
        schema_validator.SchemaValidator(
            statistics=channel_utils.as_channel(
                [standard_artifacts.ExampleStatistics()]
            ),
            schema_text="",
            allow=[],
            baseline="file:///gone",
        )


def test_other_baseline_statistics_are_another_parameter(tmp_path):
    """Else the cache would give yesterday's answer."""
    digests = set()
    for kinds in (["cash"], ["card"]):
        file = tmp_path / "baseline.pb"
        _write(kinds, file)
        node = schema_validator.SchemaValidator(
            statistics=channel_utils.as_channel(
                [standard_artifacts.ExampleStatistics()]
            ),
            schema_text="",
            allow=[],
            baseline=str(file),
        )
        digests.add(node.exec_properties["baseline_digest"])

    assert len(digests) == 2


@pytest.mark.parametrize(
    "data",
    [{"kind": GOOD["kind"]}, {**GOOD, "fare": [None, None, None]}],
    ids=["dropped", "empty"],
)
def test_a_required_column_without_a_value_is_an_anomaly_whatever_the_schema_says(data):
    schema = schema_pb2.Schema()
    schema.CopyFrom(SCHEMA)
    schema.feature[0].ClearField("presence")
    statistics = tfdv.generate_statistics_from_dataframe(
        pd.DataFrame(data).astype({c: "float" for c in data if c == "fare"}), n_jobs=1
    )
    found = tfdv.validate_statistics(statistics, schema)

    schema_validator._require_values(found, statistics, ["fare", "kind"])

    [paragraph] = schema_validator.findings("train", found, schema, [])
    assert paragraph.startswith("feature 'fare', split 'train': FEATURE_TYPE_NOT_PRES")
    assert "no row has a value" in paragraph
    allow = [{"feature": "fare", "anomaly": "FEATURE_TYPE_NOT_PRESENT"}]
    assert schema_validator.findings("train", found, schema, allow) == []


def seen_of(kinds: list) -> object:
    return tfdv.generate_statistics_from_dataframe(
        pd.DataFrame({"fare": [1.0] * len(kinds), "kind": kinds}), n_jobs=1
    )


@pytest.mark.parametrize(
    ("missing", "share", "refused"),
    [("drop", 0.25, False), ("drop", 0.2, True), ("refuse", 1.0, True)],
)
def test_rows_without_a_label_are_counted_and_refused_where_they_are_too_many(
    missing, share, refused
):
    label = {"columns": ["kind"], "missing": missing, "max_missing_share": share}
    seen = seen_of(["cash", None, "card", "cash"])
    found = anomalies_pb2.Anomalies()

    assert schema_validator._require_labels(found, seen, label) == 1

    lines = schema_validator.findings("test", found, SCHEMA, [])
    assert bool(lines) is refused
    if refused:
        assert "1 of 4 rows have no label (25.0%)" in lines[0]


def test_data_with_every_label_are_accepted():
    label = {"columns": ["kind", "fare"], "missing": "refuse", "max_missing_share": 0}
    found = anomalies_pb2.Anomalies()

    assert schema_validator._require_labels(found, seen_of(["cash"] * 3), label) == 0
    assert not found.anomaly_info


def test_what_is_no_number_is_counted_by_split_and_column_where_it_may_be(tmp_path):
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri, statistics.split_names = str(tmp_path), '["train", "test"]'
    nan, inf = math.nan, math.inf
    for split, fares in (("train", [1.5, nan, inf, -inf, nan, nan]), ("test", [2.5])):
        column = pa.array([[fare] for fare in fares], pa.list_(pa.float32()))
        table = pa.RecordBatch.from_pydict({"fare": column})
        file = tmp_path / f"Split-{split}" / "FeatureStats.pb"
        file.parent.mkdir()
        file.write_bytes(statistics_lib.computed([table]).SerializeToString())
    schema, anomalies = (
        standard_artifacts.Schema(),
        standard_artifacts.ExampleAnomalies(),
    )
    schema.uri, anomalies.uri = str(tmp_path / "schema"), str(tmp_path / "anomalies")

    schema_validator.Executor().Do(
        {"statistics": [statistics]},
        {"schema": [schema], "anomalies": [anomalies]},
        {"schema_text": 'feature { name: "fare" type: FLOAT }', "allow": "[]"},
    )

    text = anomalies.get_string_custom_property(recorded.Anomalies.NOT_NUMBERS)
    found = map(NotNumbers.from_dict, json.loads(text))
    assert list(map(str, found)) == [
        "fare in train: 3 NaN, 2 infinite or beyond float32"
    ]
