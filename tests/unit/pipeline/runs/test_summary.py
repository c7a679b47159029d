"""A summary is read as it was written, and one of another version, too."""

from __future__ import annotations

import dataclasses
import json

from pipeline.runs.node_run import NodeRun
from pipeline.runs.not_numbers import NotNumbers
from pipeline.runs.summary import RunSummary
from pipeline.runs.verdict import Check, Verdict

CHECK = Check(
    slice="overall",
    metric="auc",
    candidate=0.9,
    baseline=None,
    bound=">= 0.8",
    passed=True,
)
WHOLE = RunSummary(
    run_id="20260101-000000-aaaa",
    outcome="NOT_BLESSED",
    pipeline="trips",
    exit_code=4,
    node="Evaluator",
    reasons=("auc is low",),
    nodes=(NodeRun("Trainer", "done", 2.5, rows=7), NodeRun("Pusher", "cached")),
    verdict="NOT_BLESSED",
    checks=(CHECK, dataclasses.replace(CHECK, passed=False)),
    metrics={"overall": {"auc": 0.9}},
    drifted=("fare moved",),
    seconds_before={"Trainer": 3.0},
    told=("mail: sent",),
    not_numbers=(NotNumbers(split="train", column="fare", nan=3, infinite=1200),),
)


def through_json(summary: RunSummary) -> RunSummary:
    return RunSummary.from_dict(json.loads(json.dumps(summary.to_dict())))


def test_a_summary_comes_back_as_it_was():
    assert through_json(WHOLE) == WHOLE


def test_only_an_overridden_run_says_by_whom():
    said = dataclasses.replace(WHOLE, overridden="by ada: three rows")

    assert "overridden" not in WHOLE.to_dict()
    assert through_json(said) == said


def test_a_summary_of_an_older_or_newer_version_is_read():
    found = RunSummary.from_dict(
        {"run_id": "r", "outcome": "FAILED", "nodes": [{"id": "A", "new": 1}], "x": 2}
    )

    assert found == RunSummary(run_id="r", outcome="FAILED", nodes=(NodeRun("A"),))


def test_what_is_asked_of_it():
    assert (WHOLE.succeeded, WHOLE.was_cut_off) == (False, False)
    assert WHOLE.overall == {"auc": 0.9}
    assert WHOLE.failing == (WHOLE.checks[1],)
    assert RunSummary(run_id="r").was_cut_off
    assert RunSummary(run_id="r").overall == {}


def test_a_summary_says_all_that_a_verdict_could_not_judge():
    """Whoever writes it: a run, one that is settled later, a page of Vertex."""
    verdict = Verdict(
        word="BLESSED",
        blessed=True,
        checks=(),
        unjudged=("x=2", "x=3"),
        not_judged=("x=1: one class",),
    )

    found = WHOLE.judged(verdict)

    assert (found.verdict, found.checks) == ("BLESSED", ())
    assert found.not_judged == ("x=1: one class", "too few rows: x=2; x=3")
    assert WHOLE.judged(None) == WHOLE
