"""Data that does not fit the schema stops before a second of training."""

import csv
import importlib.util
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, run_millrace

PENGUINS = ROOT / "configs/penguins/data/penguins.csv"


def changed(header, rows, change):
    columns = [dict(zip(header, row, strict=True)) for row in rows]
    return change(columns)


def drop_species(rows):
    return [{k: v for k, v in row.items() if k != "species"} for row in rows]


def add_mood(rows):
    return [{**row, "mood": "fine"} for row in rows]


def not_finite(rows):
    rows[300]["bill_length_mm"] = "nan"
    rows[301]["bill_depth_mm"] = "inf"
    return add_mood(rows)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (drop_species, {"species": "SCHEMA_MISSING_COLUMN"}),
        (
            not_finite,
            {
                "mood": "SCHEMA_NEW_COLUMN",
                "bill_length_mm": "FLOAT_TYPE_HAS_NAN",
                "bill_depth_mm": "FLOAT_TYPE_HAS_INF",
            },
        ),
    ],
    ids=["missing-column", "extra-column-nan-and-inf"],
)
def test_each_anomaly_refuses_the_data_and_names_itself(tmp_path, change, found):
    with PENGUINS.open(newline="") as file:
        rows = change(list(csv.DictReader(file)))
    folder = tmp_path / "data"
    folder.mkdir()
    with (folder / "penguins.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    ran = run_millrace(
        tmp_path / "output",
        *("run", "--config", "configs/penguins/penguins.yaml"),
        *("--set", f"data.path={folder}"),
    )

    assert ran.code == 3, ran.stdout + ran.stderr
    assert ran.summary["outcome"] == "DATA_REFUSED"
    for feature, anomaly in found.items():
        assert f"feature '{feature}', split '" in ran.stdout
        assert anomaly in ran.stdout
    assert "expected: " in ran.stdout
    assert "seen: " in ran.stdout
    assert ran.states["SchemaValidator"] == "failed"
    assert ran.states["Transform"] == "waiting"
    evidence = list((ran.output / "artifacts/SchemaValidator/anomalies").rglob("*.pb"))
    assert evidence
    database = sqlite3.connect(ran.output / "metadata.sqlite")
    live = database.execute(
        "select count(*) from Artifact a join Type t on a.type_id = t.id "
        "where t.name = 'ExampleAnomalies' and a.state = 2"
    ).fetchone()
    assert live == (1,)


def test_a_wrong_type_in_row_9000_of_the_taxi_trips_is_found(tmp_path):
    package = importlib.util.find_spec("tfx").submodule_search_locations[0]
    source = Path(package) / "examples/chicago_taxi_pipeline/data/simple/data.csv"
    lines = source.read_text().splitlines()
    cells = lines[9000].split(",")
    cells[lines[0].split(",").index("fare")] = "twelve"
    lines[9000] = ",".join(cells)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "data.csv").write_text("\n".join(lines) + "\n")

    ran = run_millrace(tmp_path / "output", "run", "--set", f"data.path={folder}")

    assert ran.code == 3, ran.stdout + ran.stderr
    assert ran.summary["outcome"] == "DATA_REFUSED"
    assert ran.summary["node"] == "ExampleGen"
    [reason, *_] = ran.summary["reasons"]
    place = f"{folder}/data.csv, line 9001 (row 9000), column 'fare'"
    assert f"{place}: 'twelve' is not a number" in reason
    assert "'twelve' is not a number" in " ".join(ran.stdout.split())


def test_an_allowed_anomaly_lets_the_run_go_on(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with PENGUINS.open(newline="") as file:
        rows = add_mood(list(csv.DictReader(file)))
    with (folder / "penguins.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    allow = "[{feature: mood, anomaly: SCHEMA_NEW_COLUMN, reason: harmless}]"

    ran = run_millrace(
        tmp_path / "output",
        *("run", "--to", "SchemaValidator"),
        *("--config", "configs/penguins/penguins.yaml"),
        *("--set", f"data.path={folder}", "--set", f"validation.allow={allow}"),
    )

    assert ran.code == 0, ran.stdout + ran.stderr
    assert ran.states["SchemaValidator"] == "done"
