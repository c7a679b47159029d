"""The event keeps the published schema, and its signature is the standard's."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import pytest

from pipeline.config.config import ROOT
from pipeline.notifications import completion, message
from pipeline.runs.facts import RunFacts
from pipeline.runs.verdict import Check

SCHEMA = json.loads((ROOT / "docs" / "run-completion.schema.json").read_text("utf-8"))
GOOD = RunFacts(
    pipeline="trips",
    run_id="r1",
    outcome="SUCCEEDED",
    metrics={"auc": 0.9, "precision": float("nan")},
    checks=(
        Check(
            slice="overall",
            metric="auc",
            candidate=0.9,
            baseline=None,
            bound=">= 0.8",
            passed=True,
        ),
    ),
    pushed="/srv/7",
    started=1772452800.0,
    ended=1772452857.0,
)
FAILED = dataclasses.replace(
    GOOD, outcome="FAILED", node="Trainer", reasons=("x" * 10_000,) * 500, metrics={}
)


def event(facts: RunFacts) -> dict:
    return completion.event(facts, ("failed",), message.compose(facts))


@pytest.mark.parametrize(
    "facts",
    [
        GOOD,
        FAILED,
        *(
            dataclasses.replace(FAILED, outcome=outcome)
            for outcome in (
                "DATA_REFUSED",
                "NOT_BLESSED",
                "PUSH_FAILED",
                "CANCELLED",
                "STARTED",
                "OVERDUE",
                "TEST",
            )
        ),
        RunFacts(pipeline="trips", run_id="r1", outcome="CANCELLED", provider="vertex"),
    ],
    ids=lambda facts: facts.outcome,
)
def test_every_event_keeps_the_schema(facts):
    body = completion.serialized(event(facts))

    validator = jsonschema.Draft202012Validator(
        SCHEMA, format_checker=jsonschema.FormatChecker()
    )
    # NaN and Infinity are Python's, and no JSON.
    found = json.loads(body, parse_constant=pytest.fail)
    assert [error.message for error in validator.iter_errors(found)] == []
    assert len(body) < 300_000


def test_consumers_of_kfp_operator_find_their_fields():
    found = event(GOOD)

    assert found["type"] == "org.kubeflow.pipelines.run-completion"
    assert {key: found["data"][key] for key in found["data"] if key != "millrace"} == {
        "status": "succeeded",
        "pipelineName": "millrace/trips",
        "runName": "millrace/r1",
        "runId": "r1",
        "runStartTime": "2026-03-02T12:00:00Z",
        "runEndTime": "2026-03-02T12:00:57Z",
        "provider": "millrace/local",
        "servingModelArtifacts": [
            {"name": "trips:r1:Pusher:pushed_model:0", "location": "/srv/7"}
        ],
        "artifacts": [{"name": "trips:r1:Pusher:pushed_model:0", "location": "/srv/7"}],
    }


def test_what_did_not_succeed_serves_no_model():
    found = event(FAILED)

    assert found["data"]["status"] == "failed"
    assert found["data"]["servingModelArtifacts"] == []


def test_only_the_end_of_a_run_is_a_completion():
    assert event(dataclasses.replace(GOOD, outcome="STARTED"))["type"] == (
        "millrace.run-started"
    )


def test_the_signature_is_that_of_standard_webhooks():
    """The example of its reference implementation."""
    found = completion.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
