"""The default job on a bucket: first push, a champion, an override, and questions.

`make bucket` runs it; `make test` has its sample, in test_rehearsal.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tfx

from tests.e2e.bucket import Bucket
from tests.fakes.gcs import world

# A loaded machine takes its time; nothing here waits for something.
pytestmark = pytest.mark.timeout(3600)

TRIPS = Path(tfx.__file__).parent / "examples/chicago_taxi_pipeline/data/simple"
ALL = {
    *("BaselineResolver-model-resolver", "BaselineResolver-model-blessing-resolver"),
    *("ExampleGen", "StatisticsGen", "SchemaValidator", "Transform", "Trainer"),
    *("Evaluator", "Pusher", "Notifier", "ExitHandler"),
}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    if reason := world.missing():
        pytest.skip(f"no bucket here: {reason}")
    return Bucket(tmp_path_factory.mktemp("bucket"), TRIPS)


@pytest.fixture(scope="module")
def steps(bucket):
    return bucket.run("whole", "configs/taxi/taxi.yaml")


def metrics(bucket, step) -> dict:
    file = bucket.artifacts(step) / "Evaluator_0" / "evaluation" / "metrics.json"
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_first_run_pushes_and_registers_the_champion(steps):
    first = steps["first"]

    assert first["states"] == dict.fromkeys(ALL, "SUCCEEDED"), first["logs"]
    assert (first["blessing"]["blessed"], first["pushed"]["pushed"]) == (1, 1)
    versions = steps["registered"]["aliases"]["chicago-taxi"]
    assert versions == {"1": ["champion", "default"]}


def test_the_model_is_that_of_a_local_run(bucket, steps, taxi):
    [local] = taxi.output.glob("artifacts/Evaluator/evaluation/*/metrics.json")
    expected = json.loads(local.read_text(encoding="utf-8"))["candidate"]["overall"]

    found = metrics(bucket, steps["first"])["candidate"]["overall"]

    assert found == pytest.approx(expected, abs=1e-6)


def test_the_second_run_is_compared_with_it_and_refused(bucket, steps):
    second = steps["second"]
    champion = metrics(bucket, steps["first"])["candidate"]["overall"]

    assert second["states"] == dict.fromkeys(ALL, "SUCCEEDED"), second["logs"]
    assert (second["blessing"]["blessed"], second["pushed"]["pushed"]) == (0, 0)
    baseline = metrics(bucket, second)["baseline"]["overall"]
    assert baseline == pytest.approx(champion, abs=1e-6)


def test_a_person_pushes_it_all_the_same(bucket, steps):
    assert steps["override"]["code"] == 0, steps["override"]["err"]
    third = steps["third"]
    assert third["states"] == dict.fromkeys(ALL, "SUCCEEDED"), third["logs"]
    assert third["pushed"]["pushed"] == 1
    assert {*steps["overridden"]["aliases"]["chicago-taxi"]} == {"1", "2"}
    serving = bucket.output / "serving" / "chicago-taxi"
    assert len([*serving.glob("[0-9]*/saved_model.pb")]) == 2


def test_each_run_left_its_words_in_the_bucket(bucket, steps):
    outcomes = [
        json.loads(
            (bucket.output / "runs" / steps[step]["run"] / "told.json").read_text()
        )
        for step in ("first", "second", "third")
    ]

    assert [told["outcome"] for told in outcomes] == [
        *("SUCCEEDED", "NOT_BLESSED", "OVERRIDDEN")
    ]


def test_people_get_their_answers_from_the_bucket(bucket, steps):
    report, trace = steps["report"], steps["trace"]
    why, predict = steps["why"], steps["predict"]

    for asked in (report, trace, why, predict):
        assert asked["code"] == 0, asked["err"]
    page = Path(report["out"].strip()).read_text(encoding="utf-8")
    assert steps["second"]["run"] in page
    assert "NOT_BLESSED" in page
    assert "gs://trips-bucket/data" in trace["out"]
    assert "auc" in why["out"]
    assert predict["out"].splitlines()[0].startswith("projects/")


def test_all_clients_spoke_to_the_service_and_none_was_refused(bucket, steps):
    asked = bucket.asked()

    assert {client for client, _, _ in asked} == {"TSL", "python-requests"}
    assert {status for _, _, status in asked} & {"400", "401", "500", "501"} == set()
