"""What is written down of a verdict is the verdict."""

from __future__ import annotations

import json

import pytest

from pipeline.runs.verdict import Check, Verdict

CHECK = Check(
    slice="payment_type=Cash",
    metric="auc",
    candidate=0.7,
    baseline=0.8,
    bound=">= 0.75",
    passed=False,
)
NO_NUMBER = Check(
    slice="overall",
    metric="calibration",
    candidate=None,
    baseline=None,
    bound="<= 1.2",
    passed=False,
)


def through_json(plain):
    return json.loads(json.dumps(plain))


@pytest.mark.parametrize("check", [CHECK, NO_NUMBER])
def test_a_check_comes_back_as_it_was(check):
    assert Check.from_dict(through_json(check.to_dict())) == check


def test_a_check_says_the_difference_too():
    assert CHECK.to_dict()["difference"] == pytest.approx(-0.1)
    assert NO_NUMBER.to_dict()["difference"] is None


def test_a_verdict_comes_back_with_its_reasons():
    verdict = Verdict(
        word="BASELINE_UNUSABLE",
        blessed=False,
        checks=(CHECK, NO_NUMBER),
        unjudged=("payment_type=Prcard",),
        baseline_error="no such file",
    )

    found = Verdict.from_dict(through_json(verdict.to_dict()))

    assert found == verdict
    assert found.reasons == through_json(verdict.to_dict())["reasons"]
    assert "no such file" in found.reasons[0]
