"""The exit handler tells what the Notifier could not, and nothing twice."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pipeline.components.exit_handler import ExitHandler
from pipeline.config import notifications
from pipeline.gcp.experiments.contexts import Place
from pipeline.notifications import failure, notify
from pipeline.runs.facts import RunFacts
from tests.unit.pipeline.gcp import test_job_status

TEAM = {
    "kind": "service",
    "url": "env:TEAM",
    "events": ["succeeded", "recovered", "data_refused", "failed"],
}


@pytest.fixture
def end(tmp_path, httpserver, monkeypatch):
    """Runs the handler after a job with these tasks; returns what arrived."""
    httpserver.expect_request("/").respond_with_data("")
    monkeypatch.setenv("TEAM", f"json://127.0.0.1:{httpserver.port}/")

    def end(state: str, *tasks, experiment: str = ""):
        with test_job_status.cloud(test_job_status.job(*tasks)):
            config = notifications.NotificationsConfig.model_validate(
                {"channels": {"team": TEAM}}
            )
            ExitHandler.test_call(
                final_status=json.dumps(test_job_status.final_status(state)),
                pipeline_name="trips",
                runs_folder=f"file://{tmp_path}",
                notifications=config.model_dump_json(),
                code="image x@sha256:1",
                record="{}",
                experiment=experiment,
            )
        return [request.get_json() for request, _ in httpserver.log]

    return end


def test_a_failed_task_is_told_with_the_words_that_it_left(end, tmp_path):
    failure.leave(
        tmp_path,
        "trips-20260302",
        "SchemaValidator",
        "DATA_REFUSED",
        "the data does not fit the curated schema (1 anomaly):\n  feature 'fare'",
    )

    [sent] = end("FAILED", ("SchemaValidator", "FAILED", 10, "exited with 1"))

    assert sent["title"] == (
        "[trips] DATA_REFUSED at SchemaValidator: the data does not fit the curated "
        "schema (1 anomaly): feature 'fare'"
    )
    assert "feature 'fare'" in sent["message"]
    assert "image x@sha256:1" in sent["message"]
    assert test_job_status.LINK in sent["message"]


def test_a_failed_task_that_left_no_words_is_told_with_the_services(end):
    [sent] = end("FAILED", ("Trainer", "FAILED", 10, "out of memory"))

    assert sent["title"] == "[trips] FAILED at Trainer: out of memory"


def test_a_run_that_the_notifier_told_is_not_told_again(end, tmp_path):
    good = RunFacts(pipeline="trips", run_id="trips-20260302", outcome="NOT_BLESSED")
    notify.notify(good, notifications.NotificationsConfig(), tmp_path)

    assert end("SUCCEEDED") == []


def test_an_override_that_was_told_is_no_success_to_tell_again(end, tmp_path):
    [_] = end("FAILED", ("Trainer", "FAILED", 10, "out of memory"))
    (tmp_path / "trips-20260302").rename(tmp_path / "trips-20260301")
    before = tmp_path / "trips-20260301" / "told.json"
    before.write_text(before.read_text("utf-8").replace("20260302", "20260301"))
    said = RunFacts(pipeline="trips", run_id="trips-20260302", outcome="OVERRIDDEN")
    notify.notify(said, notifications.NotificationsConfig(), tmp_path)

    assert len(end("SUCCEEDED")) == 1
    told = json.loads((tmp_path / "trips-20260302" / "told.json").read_text())
    assert (told["failures"], told["repeats"]) == (1, 1)


def test_a_recovery_with_everything_cached_is_told_by_the_handler(end, tmp_path):
    [_] = end("FAILED", ("Trainer", "FAILED", 10, "out of memory"))
    (tmp_path / "trips-20260302").rename(tmp_path / "trips-20260301")
    told = tmp_path / "trips-20260301" / "told.json"
    told.write_text(told.read_text("utf-8").replace("20260302", "20260301"))

    sent = end("SUCCEEDED")

    assert sent[-1]["title"] == "[trips] SUCCEEDED: recovered after 1 failure"


def test_words_of_a_task_that_went_well_at_last_are_not_the_failed_ones(end, tmp_path):
    failure.leave(tmp_path, "trips-20260302", "Transform", "FAILED", "no connection")

    [sent] = end("FAILED", ("Trainer", "FAILED", 10, "out of memory"))

    assert sent["title"] == "[trips] FAILED at Trainer: out of memory"


def test_the_experiment_is_told_of_a_failure_alone(end, caplog):
    """The service of this test knows no experiments, and that fails nothing."""
    place = Place(project="p", region="europe-west4", experiment="trips")
    text = json.dumps(dataclasses.asdict(place))

    end("SUCCEEDED", experiment=text)
    before = caplog.text
    [*_, sent] = end("FAILED", ("Trainer", "FAILED", 10, "oh"), experiment=text)

    words = "the experiment does not know of this run: write into the experiment trips"
    assert words not in before
    assert words in caplog.text
    assert "FAILED at Trainer" in sent["title"]
