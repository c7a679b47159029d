"""A first schema comes from CSV and Parquet alike."""

from __future__ import annotations

import gzip

import pandas as pd
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format

from pipeline.config import config as config_lib
from pipeline.data import (
    columns,
    files,
    ingest,
    preflight,
    records,
    schema,
    statistics,
)
from pipeline.data.schema import schema_pb2
from pipeline.errors import DataRefused, UsageError

INT, FLOAT, BYTES = schema_pb2.INT, schema_pb2.FLOAT, schema_pb2.BYTES

ROWS = pd.DataFrame(
    {
        "number": [1, 2, 3, 4],
        "share": [0.5, None, 1.5, 2.5],
        "text": ["a", "b", None, "a"],
        "flag": [True, False, True, True],
    }
)


@pytest.fixture
def config(tmp_path):
    return config_lib.load((), (f"data.path={tmp_path}",)).config


def csv(path, rows):
    rows.to_csv(path, index=False)


def gz(path, rows):
    with gzip.open(path, "wt") as file:
        rows.to_csv(file, index=False)


def parquet(path, rows):
    rows.to_parquet(path, index=False)


@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", csv), ("a.csv.gz", gz), ("a.parquet", parquet)]
)
def test_types_and_presence_are_inferred(name, write, config, tmp_path):
    write(tmp_path / name, ROWS)

    found = {f.name: f for f in schema.inferred(config).schema.feature}

    assert {name: f.type for name, f in found.items()} == {
        "number": INT,
        "share": FLOAT,
        "text": BYTES,
        # In a CSV it is the text True.
        "flag": INT if name.endswith("parquet") else BYTES,
    }
    assert found["number"].value_count.min == 1
    assert found["share"].value_count.min == 0


def test_data_with_empty_cells_fit_the_schema_inferred_from_them(config, tmp_path):
    csv(tmp_path / "a.csv", ROWS)

    found = schema.inferred(config).schema

    least = {f.name: f.value_count.min for f in found.feature}
    assert least == {"number": 1, "share": 0, "text": 0, "flag": 1}
    empty = pa.RecordBatch.from_pydict(
        {
            "number": pa.array([[1], [2]], pa.list_(pa.int64())),
            "share": pa.array([[], [0.5]], pa.list_(pa.float32())),
            "text": pa.array([[b"a"], []], pa.list_(pa.binary())),
            "flag": pa.array([[b"True"], [b"False"]], pa.list_(pa.binary())),
        }
    )
    ingested = statistics.computed([empty])
    assert not tfdv.validate_statistics(ingested, found).anomaly_info


def test_all_files_and_rows_are_counted(config, tmp_path):
    csv(tmp_path / "a.csv", ROWS)
    csv(tmp_path / "b.csv", ROWS)

    assert schema.observed(config).datasets[0].num_examples == 8


def test_a_schema_fits_the_very_file_that_it_was_inferred_from(config, tmp_path):
    (tmp_path / "a.csv").write_text("at,zip,n\n08:30,02134,1\n9:15,10001,2\n")

    found = schema.inferred(config)

    domains = {d.name: set(d.value) for d in found.schema.string_domain}
    assert domains["at"] == {"08:30", "9:15"}
    assert found.text.startswith("# zip is text: '02134' starts with a zero")
    assert text_format.Parse(found.text, schema_pb2.Schema()) == ordered(found.schema)


def ordered(found):
    return text_format.Parse(schema.text(found), schema_pb2.Schema())


def test_a_column_that_no_run_reads_is_named(config, tmp_path):
    pd.DataFrame({"emb": [[0.1], [0.2]]}).to_parquet(tmp_path / "a.parquet")

    with pytest.raises(UsageError, match=r"a\.parquet: column 'emb' is list"):
        schema.inferred(config)


def test_a_baseline_is_what_a_run_computes_of_the_same_rows(tmp_path):
    config = config_lib.load((), ()).config
    plan = ingest.Plan(
        str(tmp_path), 1, columns.kinds_of(schema.curated(config)), {"all": 1}
    )
    [file] = preflight.data_files(config.data)
    ingest.ingest(files.Unit(str(file), 0), plan)
    of_a_run = statistics.computed(records.batches(str(tmp_path / "Split-all")))

    found = schema.observed(config)

    assert features(found) == features(of_a_run)


def features(found):
    return {f.path.step[0]: f for f in found.datasets[0].features}


def test_a_row_that_does_not_fit_gives_no_baseline(config, tmp_path):
    (tmp_path / "a.csv").write_text("trip_start_hour\nnoon\n")

    with pytest.raises(DataRefused, match=r"a\.csv.*'noon' is not a whole number"):
        schema.observed(config)


def test_the_taxi_trips_differ_from_their_curated_schema_only_where_it_was_reviewed():
    config = config_lib.load((), ()).config

    types = {f.name: f.type for f in schema.inferred(config).schema.feature}

    curated = {f.name: f.type for f in schema.curated(config).feature}
    assert set(types) == set(curated)
    assert {name for name in types if types[name] != curated[name]} <= {
        "fare",
        "tips",
        "trip_miles",
        "pickup_census_tract",
        "dropoff_census_tract",
        "trip_seconds",
        "dropoff_community_area",
        "pickup_community_area",
    }
    assert schema.difference(config).startswith("--- curated: ")
