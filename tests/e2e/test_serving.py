"""The pushed model as clients ask it: by column, a value for each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.e2e.conftest import Ran
from tests.fakes import tensorflow_serving
from transform import missing

WHOLE = {
    "company": "Blue Ribbon Taxi Association Inc.",
    "dropoff_community_area": 32,
    "dropoff_latitude": 41.88,
    "dropoff_longitude": -87.62,
    "fare": 12.45,
    "payment_type": "Credit Card",
    "pickup_community_area": 8,
    "pickup_latitude": 41.9,
    "pickup_longitude": -87.63,
    "trip_miles": 3,
    "trip_seconds": 720,
    "trip_start_day": 6,
    "trip_start_hour": 19,
    "trip_start_month": 5,
}
SPARSE = {
    **WHOLE,
    "company": missing.TEXT,
    "dropoff_latitude": float("nan"),
    "dropoff_longitude": missing.NUMBER,
    "dropoff_community_area": missing.NUMBER,
    "trip_start_day": missing.NUMBER,
}


@pytest.fixture(scope="module")
def model(taxi: Ran) -> str:
    return taxi.summary["pushed"]


@pytest.fixture(scope="module")
def ask(model):
    """Posts rows; returns the status and the answer."""
    with tensorflow_serving.running("taxi", model) as address:

        def ask(rows: list) -> tuple[int, dict]:
            url = f"http://{address}/v1/models/taxi:predict"
            body = json.dumps({"instances": rows}).encode()
            try:
                with urllib.request.urlopen(url, data=body, timeout=60) as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as error:
                return error.code, json.loads(error.read())

        yield ask


@pytest.fixture(scope="module")
def evaluated(model):
    """What the Evaluator is answered: the rows as tf.Examples, loaded as it does."""
    signatures = tf.saved_model.load(model).signatures
    _, specs = signatures["serving_default"].structured_input_signature
    rows = [
        _example({name: row[name] for name in specs}, specs) for row in (WHOLE, SPARSE)
    ]
    answers = signatures["serving_examples"](examples=tf.constant(rows))
    return answers["probability"].numpy()


def _example(row: dict, specs: dict) -> bytes:
    """A missing value is a feature that is not there."""
    of, feature = tf.train, {}
    for name, value in row.items():
        if value in (missing.TEXT, missing.NUMBER) or value != value:
            continue
        if specs[name].dtype == tf.string:
            feature[name] = of.Feature(bytes_list=of.BytesList(value=[value.encode()]))
        elif specs[name].dtype == tf.float32:
            feature[name] = of.Feature(float_list=of.FloatList(value=[value]))
        elif specs[name].dtype == tf.int64:
            feature[name] = of.Feature(int64_list=of.Int64List(value=[value]))
    return of.Example(features=of.Features(feature=feature)).SerializeToString()


def test_a_model_server_answers_rows_by_column_as_the_evaluation_did(ask, evaluated):
    status, answer = ask([WHOLE, SPARSE])

    assert status == 200, answer
    assert abs(evaluated[0] - evaluated[1]) > 1e-3
    np.testing.assert_allclose(answer["predictions"], evaluated, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**WHOLE, "fare": None}, "null is not of expected type: float"),
        ({**WHOLE, "trip_start_hour": 19.0}, "19.0 is not of expected type: int64"),
        ({**WHOLE, "tips": 2.0}, "keys must be equal to: company,"),
        ({"fare": 12.45}, "keys must be equal to: company,"),
        (list(WHOLE.values()), "expecting list of objects"),
    ],
    ids=["null", "fraction", "another", "fewer", "nameless"],
)
def test_what_a_model_server_refuses_is_what_the_documentation_says(ask, row, words):
    """docs/serving.md and docs/endpoints.md."""
    status, answer = ask([row])

    assert status == 400
    assert words in answer["error"]


def test_tensorflows_own_tool_runs_the_model_by_column(model, evaluated):
    """It restores the graph as a model server does, in a process without our code."""
    tool = Path(sys.executable).with_name("saved_model_cli")
    columns = ";".join(f"{name}={[value]!r}" for name, value in WHOLE.items())

    done = subprocess.run(
        [
            *(str(tool), "run", "--dir", model, "--tag_set", "serve"),
            *("--signature_def", "serving_default", "--input_exprs", columns),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    [answer] = re.findall(r"output key probability:\n\[([\d.]+)\]", done.stdout)
    assert float(answer) == pytest.approx(evaluated[0], abs=1e-6)
