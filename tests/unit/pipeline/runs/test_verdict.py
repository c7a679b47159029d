"""What is written down of a verdict is the verdict."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pipeline.runs.verdict import Check, Rival, Verdict

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


RIVAL = Rival(
    slice="overall",
    column="payment_type",
    auc=0.9298,
    accuracy=0.89,
    log_loss=0.2124,
    model_log_loss=0.1946,
    low=0.0111,
    high=0.0244,
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
        not_judged=("slices of hour: no row has a value there",),
        rivals=(RIVAL, dataclasses.replace(RIVAL, column="", auc=None, low=-0.1)),
        objections=("predictions are not numbers",),
        baseline_error="no such file",
    )

    found = Verdict.from_dict(through_json(verdict.to_dict()))

    assert found == verdict
    assert found.reasons == through_json(verdict.to_dict())["reasons"]
    assert "no such file" in found.reasons[0]


def test_all_that_was_not_judged_is_said_with_the_names_of_slices():
    names = tuple(f"hour={hour}" for hour in range(14))
    said = ("auc (hour=3): one class, not judged",)

    found = Verdict(
        word="BLESSED", blessed=True, checks=(), unjudged=names, not_judged=said
    )

    first = "; ".join(names[:5])
    assert found.lacks == (*said, f"too few rows: {first} and 9 more")
    assert dataclasses.replace(found, unjudged=()).lacks == said


def test_a_rival_says_what_the_model_adds():
    none = dataclasses.replace(RIVAL, column="", auc=None, low=-0.01)

    assert str(RIVAL) == (
        "payment_type alone: AUC 0.9298, log loss 0.2124; the model adds +0.0178 "
        "(95 %: +0.0111 to +0.0244)"
    )
    assert str(none).startswith("a constant: log loss 0.2124; the model adds nothing ")
    assert (RIVAL.is_beaten, none.is_beaten) == (True, False)
