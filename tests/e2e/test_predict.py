"""The taxi run's own model scores the taxi trips, as a user asks it to."""

from __future__ import annotations

import csv
import importlib.util
import itertools
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.e2e.conftest import Ran, run_millrace

ROWS = 500


def trips() -> list[dict[str, str]]:
    [package] = importlib.util.find_spec("tfx").submodule_search_locations
    file = Path(package) / "examples/chicago_taxi_pipeline/data/simple/data.csv"
    with file.open(encoding="utf-8", newline="") as stream:
        return list(itertools.islice(csv.DictReader(stream), ROWS))


def write(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def asked_directly(model: Path, rows: list[dict[str, str]]) -> np.ndarray:
    """The answers by column to rows that miss no integer."""
    serve = tf.saved_model.load(str(model)).signatures["serving_default"]
    columns = {}
    for name, spec in serve.structured_input_signature[1].items():
        texts = [row[name] for row in rows]
        if spec.dtype == tf.string:
            values = texts
        elif spec.dtype == tf.int64:
            values = [int(text) for text in texts]
        else:
            values = [float(text or "nan") for text in texts]
        columns[name] = tf.constant(values, spec.dtype)
    return serve(**columns)["probability"].numpy()


def test_predict_gives_each_trip_the_models_own_answer(taxi: Ran, tmp_path):
    rows = trips()
    rows[7]["fare"] = "free"
    source, target = write(tmp_path / "in.csv", rows), tmp_path / "out.csv"

    done = run_millrace(taxi.output, "predict", str(source), str(target))

    assert done.code == 0, done.stderr
    model = Path(taxi.summary["pushed"])
    assert f"499 rows scored by version {model.name}" in done.stdout
    with target.open(encoding="utf-8", newline="") as stream:
        scored = list(csv.DictReader(stream))
    assert {row["model_version"] for row in scored} == {model.name}
    whole = [
        row
        for row in scored
        if all(row[n] for n in ("pickup_community_area", "dropoff_community_area"))
        and row["trip_seconds"]
    ]
    answers = [float(row["probability"]) for row in whole]
    assert len(whole) > 100
    np.testing.assert_allclose(answers, asked_directly(model, whole), atol=1e-5)
    with (tmp_path / "out.csv.rejects.csv").open(encoding="utf-8", newline="") as file:
        [reject] = csv.DictReader(file)
    assert (reject["line"], reject["column"], reject["value"]) == ("9", "fare", "free")


def test_predict_refuses_rows_without_the_models_columns(taxi: Ran, tmp_path):
    source = write(tmp_path / "in.csv", [{"fare": "3", "tips": "1"}])

    done = run_millrace(taxi.output, "predict", str(source), str(tmp_path / "out.csv"))

    assert done.code == 3
    assert "has no column company, " in done.stderr
    assert not (tmp_path / "out.csv").exists()
