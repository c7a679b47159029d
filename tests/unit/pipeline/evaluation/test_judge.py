"""Bounds and metrics in, a verdict that explains itself out."""

from __future__ import annotations

import json
import math

import pytest

from pipeline.config.evaluation import EvaluationConfig
from pipeline.evaluation import judge
from pipeline.runs.verdict import Rival

NOT_A_NUMBER = (math.nan, math.inf, -math.inf)


def config(thresholds=None, slices=(), **fields) -> EvaluationConfig:
    return EvaluationConfig.model_validate(
        {"thresholds": thresholds or {}, "slices": list(slices), **fields}
    )


def overall(**metrics: float) -> dict[str, dict[str, float]]:
    return {"overall": metrics}


def rival(column: str, low: float, slice_: str = "overall") -> Rival:
    return Rival(
        slice=slice_,
        column=column,
        auc=0.6,
        accuracy=0.7,
        log_loss=0.5,
        model_log_loss=0.4,
        low=low,
        high=low + 0.2,
    )


# One bound


@pytest.mark.parametrize("value", [0.8, 0.9])
def test_a_metric_at_or_above_its_minimum_is_blessed(value):
    decision = judge.judge(config({"auc": {"min": 0.8}}), overall(auc=value))

    assert (decision.word, decision.blessed) == ("BLESSED", True)
    assert decision.reasons == []


def test_a_metric_below_its_minimum_is_refused_in_words():
    decision = judge.judge(config({"auc": {"min": 0.8}}), overall(auc=0.75))

    assert (decision.word, decision.blessed) == ("NOT_BLESSED", False)
    assert decision.reasons == ["auc (overall) is 0.7500; needs >= 0.8"]


@pytest.mark.parametrize("value", [1.2, 0.0])
def test_a_metric_at_or_below_its_maximum_is_blessed(value):
    bounds = config({"calibration": {"max": 1.2}})

    assert judge.judge(bounds, overall(calibration=value)).blessed


def test_a_metric_above_its_maximum_is_refused_in_words():
    bounds = config({"calibration": {"max": 1.2}})

    decision = judge.judge(bounds, overall(calibration=1.25))

    assert decision.reasons == ["calibration (overall) is 1.2500; needs <= 1.2"]


@pytest.mark.parametrize("value", NOT_A_NUMBER)
@pytest.mark.parametrize("bound", ["min", "max"])
def test_a_metric_that_is_not_a_number_is_refused(value, bound):
    sign = {"min": ">=", "max": "<="}[bound]

    decision = judge.judge(config({"auc": {bound: 0.8}}), overall(auc=value))

    assert not decision.blessed
    assert decision.reasons == [f"auc (overall) is not a number; needs {sign} 0.8"]


def test_a_metric_that_is_missing_is_refused():
    decision = judge.judge(config({"auc": {"min": 0.8}}), overall(recall=1.0))

    assert decision.reasons == ["auc (overall) is not a number; needs >= 0.8"]


def test_no_metrics_at_all_are_refused():
    assert not judge.judge(config({"auc": {"min": 0.8}}), {}).blessed


# Against a baseline


@pytest.mark.parametrize(("candidate", "blessed"), [(0.875, True), (0.85, False)])
def test_a_loss_against_the_baseline_is_allowed_up_to_its_bound(candidate, blessed):
    bounds = config({"auc": {"max_loss": 0.03125}})

    decision = judge.judge(bounds, overall(auc=candidate), overall(auc=0.90625))

    assert decision.blessed is blessed


def test_a_gain_over_the_baseline_is_no_loss():
    bounds = config({"auc": {"max_loss": 0.0}})

    assert judge.judge(bounds, overall(auc=0.99), overall(auc=0.5)).blessed


@pytest.mark.parametrize(("candidate", "blessed"), [(0.1, True), (0.6, False)])
def test_less_is_better_when_the_threshold_says_so(candidate, blessed):
    bounds = config({"calibration": {"max_loss": 0.25, "higher_is_better": False}})

    decision = judge.judge(
        bounds, overall(calibration=candidate), overall(calibration=0.25)
    )

    assert decision.blessed is blessed


def test_a_refused_loss_names_baseline_and_difference():
    bounds = config({"auc": {"max_loss": 0.01}})

    decision = judge.judge(bounds, overall(auc=0.85), overall(auc=0.90))

    assert decision.reasons == [
        (
            "auc (overall) is 0.8500, baseline 0.9000, difference -0.0500; "
            "needs at most 0.01 worse than the baseline"
        )
    ]


def test_the_first_model_has_no_baseline_to_lose_against():
    bounds = config({"auc": {"max_loss": 0.01}})

    decision = judge.judge(bounds, overall(auc=0.1), rivals=[rival("", 0.1)])

    assert decision.word == "BLESSED"
    assert decision.checks == ()


def test_a_model_that_nothing_was_checked_of_is_never_blessed():
    decision = judge.judge(config({"auc": {"max_loss": 0.01}}), overall(auc=0.1))

    assert decision.word == "NOT_BLESSED"
    assert decision.reasons == [
        "nothing was checked: state bounds under evaluation.thresholds"
    ]


@pytest.mark.parametrize(("low", "blessed"), [(-0.3, False), (-0.1, True), (0.1, True)])
def test_without_bounds_the_champion_decides(low, blessed):
    """`low` to `low` + 0.2 is how much better the model is."""
    decision = judge.judge(
        config({}),
        overall(auc=0.9),
        rivals=[rival("", 0.1)],
        champion=rival("", low),
    )

    assert decision.blessed is blessed
    assert "no bounds are stated" in decision.not_judged
    assert any("worse than the champion" in r for r in decision.reasons) is not blessed


def test_with_bounds_they_decide_and_not_the_champion():
    bounds = config({"auc": {"min": 0.5}})

    assert judge.judge(bounds, overall(auc=0.9), champion=rival("", -0.3)).blessed


def test_a_candidate_that_is_not_a_number_loses_against_any_baseline():
    bounds = config({"auc": {"max_loss": 1.0}})

    decision = judge.judge(bounds, overall(auc=math.nan), overall(auc=0.5))

    assert decision.reasons == [
        (
            "auc (overall) is not a number, baseline 0.5000; "
            "needs at most 1 worse than the baseline"
        )
    ]


def test_every_bound_that_does_not_hold_is_a_reason():
    bounds = config(
        {"auc": {"min": 0.8, "max_loss": 0.01}, "calibration": {"min": 0.8, "max": 1.2}}
    )

    decision = judge.judge(
        bounds, overall(auc=0.7, calibration=2.0), overall(auc=0.9, calibration=1.0)
    )

    assert decision.reasons == [
        "auc (overall) is 0.7000, baseline 0.9000, difference -0.2000; needs >= 0.8",
        (
            "auc (overall) is 0.7000, baseline 0.9000, difference -0.2000; "
            "needs at most 0.01 worse than the baseline"
        ),
        (
            "calibration (overall) is 2.0000, baseline 1.0000, difference +1.0000; "
            "needs <= 1.2"
        ),
    ]


# Slices

BY_HOUR = {"column": "hour", "floors": {"auc": {"min": 0.8}}, "min_examples": 100}


def by_hour(*hours: int) -> dict[str, list[str]]:
    """The slices that the rule made."""
    return {"hour": [f"hour={hour}" for hour in hours]}


def test_a_slice_below_its_floor_is_refused_in_words():
    metrics = {
        "overall": {"auc": 0.9},
        "hour=3": {"auc": 0.5, "example_count": 100},
        "hour=4": {"auc": 0.9, "example_count": 100},
    }

    decision = judge.judge(config({}, [BY_HOUR]), metrics, slices=by_hour(3, 4))

    assert decision.word == "NOT_BLESSED"
    assert decision.reasons == ["auc (hour=3) is 0.5000; needs >= 0.8"]


def test_a_tiny_slice_is_shown_but_not_judged():
    big = {"auc": 0.9, "example_count": 100}
    metrics = {"hour=3": {"auc": 0.1, "example_count": 99}, "hour=4": big}

    decision = judge.judge(config({}, [BY_HOUR]), metrics, slices=by_hour(3, 4))

    assert decision.blessed
    assert decision.unjudged == ("hour=3",)
    assert [check.slice for check in decision.checks] == ["hour=4"]


def test_a_slice_that_does_not_say_its_size_counts_as_tiny():
    decision = judge.judge(
        config({}, [BY_HOUR]), {"hour=3": {"auc": 0.1}}, slices=by_hour(3)
    )

    assert decision.unjudged == ("hour=3",)


def test_a_slice_of_another_column_is_not_judged_by_this_rule():
    metrics = {"hourly_rate=3": {"auc": 0.1, "example_count": 500}}
    slices = {"hour": [], "hourly_rate": ["hourly_rate=3"]}

    decision = judge.judge(config({}, [BY_HOUR]), metrics, slices=slices)

    assert decision.checks == ()
    assert decision.unjudged == ()


@pytest.mark.parametrize(
    "metrics",
    [
        {"overall": {"auc": 0.9}},
        {"hour=3": {"auc": 0.1, "example_count": 99}, "hour=4": {"example_count": 9}},
    ],
    ids=["no row has a value", "too few rows in every value"],
)
@pytest.mark.parametrize(
    ("unjudged", "floors", "blessed"),
    [
        ("refuse", True, False),
        ("refuse", False, False),
        ("note", True, True),
        ("refuse_where_floor", True, False),
        ("refuse_where_floor", False, True),
    ],
)
def test_a_rule_of_which_nothing_could_be_judged_is_said(
    metrics, unjudged, floors, blessed
):
    rule = BY_HOUR if floors else {"column": "hour"}

    bounds = config({"auc": {"min": 0.1}}, [rule], unjudged=unjudged)

    hours = [int(name[-1]) for name in metrics if name != "overall"]
    decision = judge.judge(
        bounds, {"overall": {"auc": 0.9}, **metrics}, slices=by_hour(*hours)
    )

    assert decision.blessed is blessed
    [line] = decision.not_judged
    assert line.startswith("slices of hour: no")
    assert line.endswith("nothing was judged")
    assert any(line in reason for reason in decision.reasons) is not blessed


@pytest.mark.parametrize(
    ("rule", "title", "names"),
    [
        (
            {"column": "age", "ranges": [18, 30.5]},
            "age in [18, 30.5]",
            ["age=[18, 30.5)", "age=missing"],
        ),
        (
            {"columns": ["sex", "race"]},
            "sex and race",
            ["race=a,sex=f", "race=b,sex=m"],
        ),
        (
            {"column": "company", "largest": 2},
            "company (2 largest)",
            ["company=Blue", "company=Red"],
        ),
    ],
)
def test_floors_hold_on_every_kind_of_slice(rule, title, names):
    good, bad = ({"auc": auc, "example_count": 100} for auc in (0.9, 0.5))
    metrics = {"overall": {"auc": 0.9}, names[0]: good, names[1]: bad}
    rule = {**rule, "floors": {"auc": {"min": 0.8}}}

    decision = judge.judge(config({}, [rule]), metrics, slices={title: names})
    none = judge.judge(config({}, [rule]), metrics, slices={title: []})

    assert decision.reasons == [f"auc ({names[1]}) is 0.5000; needs >= 0.8"]
    [line] = none.reasons
    assert line.startswith(f"slices of {title}: no row has a value there")


def test_a_floor_refuses_by_default_where_nothing_could_be_judged():
    assert not judge.judge(config({}, [BY_HOUR]), {"overall": {}}).blessed


@pytest.mark.parametrize(
    ("mean_label", "left"), [(0.0, ["accuracy"]), (1.0, ["accuracy", "recall"])]
)
def test_what_is_not_defined_on_one_class_is_said_and_refuses_nothing(mean_label, left):
    floors = {m: {"min": 0.5} for m in ("accuracy", "auc", "recall")}
    rule = {**BY_HOUR, "floors": floors}
    here = {"auc": 0.0, "recall": 0.9, "accuracy": 0.9, "example_count": 200}

    metrics = {"hour=3": {**here, "mean_label": mean_label}}

    decision = judge.judge(config({}, [rule]), metrics, slices=by_hour(3))

    assert decision.blessed
    assert [check.metric for check in decision.checks] == left
    assert "auc (hour=3): one class, not judged" in decision.not_judged


def test_a_broken_bound_refuses_a_slice_of_one_class_too():
    rule = {**BY_HOUR, "floors": {"auc": {"min": 0.5}, "accuracy": {"min": 0.9}}}
    here = {"auc": 0.0, "accuracy": 0.8, "example_count": 200, "mean_label": 0.0}

    decision = judge.judge(config({}, [rule]), {"hour=3": here}, slices=by_hour(3))

    assert decision.reasons == ["accuracy (hour=3) is 0.8000; needs >= 0.9"]


@pytest.mark.parametrize(
    ("rivals", "must", "blessed"),
    [
        ([rival("", 0.01)], {}, True),
        ([rival("", 0.0)], {}, False),
        ([rival("", -0.1)], {"constant": "note"}, True),
        ([rival("fare", -0.1)], {}, True),
        ([rival("fare", -0.1)], {"single_column": "refuse"}, False),
        ([rival("fare", 0.01)], {"single_column": "refuse"}, True),
        ([rival("", -0.1, "hour=3")], {}, True),
    ],
)
def test_a_model_is_held_against_what_costs_nothing(rivals, must, blessed):
    decision = judge.judge(config({}, must_beat=must), overall(auc=0.9), rivals=rivals)

    assert decision.blessed is blessed
    assert decision.rivals == tuple(rivals)
    if not blessed:
        [reason] = decision.reasons
        assert reason.startswith(str(rivals[0]))
        assert "evaluation.must_beat." in reason


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_predictions_that_are_no_numbers_are_never_blessed(value):
    decision = judge.judge(
        config({"auc": {"min": 0.4}}), overall(auc=0.5, mean_prediction=value)
    )

    assert decision.word == "NOT_BLESSED"
    assert decision.reasons == ["some of the model's predictions are not numbers"]


def test_a_slice_is_compared_with_the_same_slice_of_the_baseline():
    rule = {**BY_HOUR, "floors": {"auc": {"max_loss": 0.1}}}
    candidate = {"hour=3": {"auc": 0.5, "example_count": 200}}
    baseline = {"overall": {"auc": 0.5}, "hour=3": {"auc": 0.9}}

    decision = judge.judge(config({}, [rule]), candidate, baseline, slices=by_hour(3))

    assert decision.reasons == [
        (
            "auc (hour=3) is 0.5000, baseline 0.9000, difference -0.4000; "
            "needs at most 0.1 worse than the baseline"
        )
    ]


# A baseline that cannot be evaluated


def test_an_unusable_baseline_refuses_a_good_candidate_unless_told_otherwise():
    decision = judge.judge(
        config({"auc": {"min": 0.8}}), overall(auc=0.9), baseline_error="KeyError: 'x'"
    )

    assert (decision.word, decision.blessed) == ("BASELINE_UNUSABLE", False)
    assert decision.reasons == [
        (
            "the latest blessed model cannot be evaluated on this data any more: "
            "KeyError: 'x'. To judge the candidate by its value bounds alone: "
            "evaluation.unusable_baseline=accept"
        )
    ]


def test_an_unusable_baseline_is_accepted_when_the_configuration_says_so():
    bounds = config({"auc": {"min": 0.8}}, unusable_baseline="accept")

    decision = judge.judge(bounds, overall(auc=0.9), baseline_error="KeyError: 'x'")

    assert (decision.word, decision.blessed) == ("BASELINE_UNUSABLE", True)
    assert decision.reasons == []
    assert decision.baseline_error == "KeyError: 'x'"


@pytest.mark.parametrize("policy", ["accept", "refuse"])
def test_a_bad_candidate_is_refused_whatever_the_baseline(policy):
    bounds = config({"auc": {"min": 0.8}}, unusable_baseline=policy)

    decision = judge.judge(bounds, overall(auc=0.1), baseline_error="gone")

    assert (decision.word, decision.blessed) == ("NOT_BLESSED", False)
    assert decision.reasons == ["auc (overall) is 0.1000; needs >= 0.8"]


# Written down


def test_a_verdict_is_written_down_as_json_without_loss():
    rule = {**BY_HOUR, "floors": {"auc": {"min": 0.25}}}
    metrics = {
        "overall": {"auc": 0.75},
        "hour=3": {"auc": math.nan, "example_count": 200},
        "hour=4": {"auc": 0.5, "example_count": 1},
    }
    decision = judge.judge(
        config({"auc": {"min": 0.5}}, [rule]),
        metrics,
        overall(auc=0.5),
        slices=by_hour(3, 4),
    )

    written = json.loads(json.dumps(decision.to_dict(), allow_nan=False))

    assert written == {
        "word": "NOT_BLESSED",
        "blessed": False,
        "checks": [
            {
                "slice": "overall",
                "metric": "auc",
                "candidate": 0.75,
                "baseline": 0.5,
                "bound": ">= 0.5",
                "passed": True,
                "difference": 0.25,
            },
            {
                "slice": "hour=3",
                "metric": "auc",
                "candidate": None,
                "baseline": None,
                "bound": ">= 0.25",
                "passed": False,
                "difference": None,
            },
        ],
        "unjudged": ["hour=4"],
        "not_judged": [],
        "rivals": [],
        "objections": [],
        "baseline_error": None,
        "reasons": ["auc (hour=3) is not a number; needs >= 0.25"],
    }
