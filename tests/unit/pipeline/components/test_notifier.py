"""The last node says how the run ended, and keeps what it said."""

from __future__ import annotations

import dataclasses
import json

import pytest
from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts

from pipeline.components import notifier
from pipeline.config import notifications as settings
from pipeline.gcp.experiments.contexts import Experiment, Patience, Place
from pipeline.runs.facts import RunFacts
from pipeline.runs.verdict import Check, Verdict
from tests.fakes import server, vertex_metadata
from trainer.config import TrainingConfig

METRICS = {
    "auc": 0.9,
    "accuracy": 0.8,
    "precision": 0.7,
    "recall": 0.6,
    "calibration": 1.0,
    "example_count": 10.0,
}


CHECK = Check(
    slice="overall",
    metric="auc",
    candidate=0.9,
    baseline=0.95,
    bound=">= 0.92",
    passed=False,
)
RECALL = Check(
    slice="cash",
    metric="recall",
    candidate=0.6,
    baseline=None,
    bound=">= 0.7",
    passed=False,
)
GOOD = Verdict(
    word="BLESSED", blessed=True, checks=(dataclasses.replace(CHECK, passed=True),)
)
BAD = Verdict(word="NOT_BLESSED", blessed=False, checks=(CHECK, RECALL))


@pytest.fixture
def tell(tmp_path):
    """Runs the node on an evaluation; returns the message and its artifact."""

    def tell(
        verdict: Verdict,
        pushed_to: str = "",
        uri: str = "",
        run_id: str = "r1",
        overridden: str = "",
        scheme: str = "",
    ):
        folder = tmp_path / "evaluation"
        folder.mkdir()
        (folder / "verdict.json").write_text(json.dumps(verdict.to_dict()))
        (folder / "metrics.json").write_text(
            json.dumps({"candidate": {"overall": METRICS}, "baseline": None})
        )
        evaluation = standard_artifacts.ModelEvaluation()
        evaluation.uri = f"{scheme}{folder}"
        examples = standard_artifacts.Examples()
        examples.set_int_custom_property("rows_written", 15002)
        examples.span = 3
        anomalies = standard_artifacts.ExampleAnomalies()
        anomalies.set_string_custom_property("drifted", '["fare moved"]')
        pushed = standard_artifacts.PushedModel()
        if pushed_to:
            pushed.set_string_custom_property("pushed_destination", pushed_to)
        if overridden:
            pushed.set_string_custom_property("overridden", overridden)
        notification = standard_artifacts.String()
        notification.uri = uri or f"{scheme}{tmp_path}/notification"
        context = base_executor.BaseExecutor.Context(pipeline_run_id=run_id)
        config = settings.NotificationsConfig.model_validate(
            {"channels": {"log": {"kind": "log"}, "folder": {"kind": "file"}}}
        )
        notifier.Executor(context).Do(
            {
                "examples": [examples],
                "anomalies": [anomalies],
                "evaluation": [evaluation],
                "pushed_model": [pushed],
            },
            {"notification": [notification]},
            {
                "pipeline_name": "trips",
                "provider": "local",
                "runs_folder": f"{scheme}{tmp_path}/runs",
                "notifications": config.model_dump_json(),
                "code": "image x",
            },
        )
        [message] = (tmp_path / "runs").glob("*/message.txt")
        return message, notification

    return tell


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "address"])
def test_a_pushed_model_is_told_with_the_metrics_that_people_read(tell, scheme):
    """On Vertex the evaluation and the runs' folder have addresses."""
    message, _ = tell(GOOD, "/srv/7", scheme=scheme)

    text = message.read_text()
    assert text.startswith("SUCCEEDED: pushed version 7, the data drifts\n")
    assert "data      span 3, 15,002 rows\n" in text
    assert "code      image x\n" in text
    assert "What drifted\nfare moved\n" in text
    assert (
        "auc 0.9000, accuracy 0.8000, precision 0.7000, recall 0.6000, "
        "calibration 1.0000, 1 checks passed\n"
    ) in text
    assert "What was pushed\n/srv/7\n" in text


def test_a_refused_model_is_told_with_the_reasons_and_numbers(tell):
    message, _ = tell(BAD)

    text = message.read_text()
    assert text.startswith("NOT_BLESSED at Evaluator: auc (overall) is 0.9000, base")
    assert "What happened\nauc (overall) is" in text
    assert "\nrecall (cash) is 0.6000; needs >= 0.7\n" in text
    assert "auc     overall  0.9000  needs >= 0.92  baseline 0.9500\n" in text
    assert "pushed" not in text


def test_what_was_not_judged_is_told_with_the_names_of_slices(tell, tmp_path):
    line = "slices of hour: no row has a value there, nothing was judged"
    small = ("race=White,sex=F", "age=[18, 30)")
    message, _ = tell(dataclasses.replace(BAD, unjudged=small, not_judged=(line,)))

    lines = [line, "too few rows: race=White,sex=F; age=[18, 30)"]
    assert "What was not judged\n{}\n{}\n".format(*lines) in message.read_text()
    [event] = (tmp_path / "runs").glob("*/event.json")
    assert json.loads(event.read_text())["data"]["millrace"]["not_judged"] == lines


def test_a_model_that_a_person_pushed_is_told_as_that(tell, tmp_path):
    said = {"by": "ada", "reason": "three rows", "at": 1e9, "run": "trips-0"}

    message, _ = tell(BAD, "/srv/7", overridden=json.dumps(said))

    assert message.read_text().startswith(
        "OVERRIDDEN: by ada on 2001-09-09T01:46:40Z: three rows (the model of run "
        "trips-0)\n"
    )
    [told] = (tmp_path / "runs").glob("*/told.json")
    assert json.loads(told.read_text())["failures"] == 0


def test_who_was_told_is_kept_as_an_artifact(tell, tmp_path):
    _, notification = tell(GOOD, "/srv/7")

    kept = json.loads((tmp_path / "notification").read_text())
    assert [(each["channel"], each["kind"], each["outcome"]) for each in kept] == [
        ("log", "log", "sent"),
        ("folder", "file", "sent"),
    ]
    assert all(each["at"] > 1_700_000_000 for each in kept)
    assert notification.get_string_custom_property("channels") == "log,folder"


def test_what_only_the_runner_knows_is_taken_from_the_runs_folder(tell, tmp_path):
    folder = tmp_path / "runs" / "r1"
    folder.mkdir(parents=True)
    (folder / "started.json").write_text(
        json.dumps({"started": 1.0, "code": "commit 1a2b", "next": "cmd", "log": "f"})
    )

    message, _ = tell(GOOD)

    assert "code      commit 1a2b\n" in message.read_text()
    assert "What to do\ncmd\nf\n" in message.read_text()


def test_on_vertex_the_run_is_named_by_where_the_task_may_write(tell, tmp_path):
    """TFX gives executors no run id there."""
    task = tmp_path / "123456" / "trips-20260302" / "Notifier_-99"
    task.mkdir(parents=True)

    message, _ = tell(GOOD, uri=str(task / "notification"), run_id="")

    assert message.parent.name == "trips-20260302"


@pytest.fixture
def model_run(tmp_path):
    artifact = standard_artifacts.ModelRun()
    artifact.uri = str(tmp_path / "model_run")
    (tmp_path / "model_run").mkdir()
    (tmp_path / "model_run" / "history.json").write_text('[{"epoch": 1, "loss": 0.5}]')
    settings = TrainingConfig(model="dnn").model_dump_json()
    (tmp_path / "model_run" / "settings.json").write_text(settings)
    return artifact


def test_the_experiment_has_the_training_and_the_verdict(model_run):
    place = Place(project=server.PROJECT, region=server.REGION, experiment="trips")
    metadata = vertex_metadata.VertexMetadata(server.Operations())
    facts = RunFacts(
        pipeline="trips", run_id="r-1", outcome="NOT_BLESSED", metrics={"auc": 0.5}
    )
    with server.running(metadata._operations, metadata) as cloud, cloud.here():
        text = json.dumps(dataclasses.asdict(place))
        why = notifier.log_run(text, "r-1", facts, [model_run])
        [run] = Experiment(place, Patience(60)).runs()

    assert why == ""
    assert run.params["training.model"] == "dnn"
    assert run.metrics == {"auc": 0.5, "blessed": 0}


def test_a_training_that_left_no_history_is_told_and_fails_nothing(tmp_path):
    artifact = standard_artifacts.ModelRun()
    artifact.uri = str(tmp_path)
    facts = RunFacts(pipeline="trips", run_id="r-1", outcome="SUCCEEDED")

    why = notifier.log_run("{}", "r-1", facts, [artifact])

    assert "history.json" in why
