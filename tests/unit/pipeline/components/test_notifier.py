"""The last node says how the run ended, and keeps what it said."""

from __future__ import annotations

import json

import pytest
from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts

from pipeline.components import notifier

METRICS = {
    "auc": 0.9,
    "accuracy": 0.8,
    "precision": 0.7,
    "recall": 0.6,
    "calibration": 1.0,
    "example_count": 10.0,
}


@pytest.fixture
def tell(tmp_path):
    """Runs the node on an evaluation; returns the message and its artifact."""

    def tell(verdict: dict, pushed_to: str):
        folder = tmp_path / "evaluation"
        folder.mkdir()
        (folder / "verdict.json").write_text(json.dumps(verdict))
        (folder / "metrics.json").write_text(
            json.dumps({"candidate": {"overall": METRICS}, "baseline": None})
        )
        evaluation = standard_artifacts.ModelEvaluation()
        evaluation.uri = str(folder)
        pushed = standard_artifacts.PushedModel()
        if pushed_to:
            pushed.set_string_custom_property("pushed_destination", pushed_to)
        notification = standard_artifacts.String()
        notification.uri = str(tmp_path / "notification")
        context = base_executor.BaseExecutor.Context(pipeline_run_id="r1")
        notifier.Executor(context).Do(
            {"evaluation": [evaluation], "pushed_model": [pushed]},
            {"notification": [notification]},
            {"pipeline_name": "trips", "runs_folder": str(tmp_path / "runs")},
        )
        return (tmp_path / "runs" / "r1" / "message.txt").read_text(), notification

    return tell


def test_a_pushed_model_is_told_with_the_metrics_that_people_read(tell):
    text, _ = tell({"blessed": True, "reasons": []}, "/srv/7")

    assert text == (
        "SUCCEEDED: trips, run r1\n"
        "  metrics: auc 0.9000, accuracy 0.8000, precision 0.7000, recall 0.6000, "
        "calibration 1.0000\n"
        "  pushed: /srv/7\n"
    )


def test_a_refused_model_is_told_with_the_reasons(tell):
    text, _ = tell({"blessed": False, "reasons": ["auc is low", "so is recall"]}, "")

    assert text.splitlines()[:3] == [
        "NOT_BLESSED: trips, run r1",
        "  auc is low",
        "  so is recall",
    ]
    assert "pushed" not in text


def test_what_was_told_is_kept_as_an_artifact(tell, tmp_path):
    text, notification = tell({"blessed": True, "reasons": []}, "/srv/7")

    assert (tmp_path / "notification").read_text() == text
    assert notification.get_string_custom_property("channels") == "log,file"
