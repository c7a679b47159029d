"""Who hears of a run, and when."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from pipeline.notifications import policy
from pipeline.notifications.facts import Facts
from pipeline.notifications.history import SENT, Delivery, Told
from pipeline.notifications.settings import (
    WORTH_A_MESSAGE,
    Event,
    Only,
    QuietHours,
    ServiceChannel,
)

NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
CHECK = {
    "slice": "payment_type=Cash",
    "metric": "auc",
    "candidate": 0.7,
    "baseline": 0.8,
    "bound": ">= 0.75",
    "passed": False,
}
FAILED = Facts(
    pipeline="trips",
    run_id="r9",
    outcome="FAILED",
    node="Trainer",
    reasons=("ValueError: no rows",),
)
REFUSED = dataclasses.replace(
    FAILED, outcome="NOT_BLESSED", node="Evaluator", checks=(CHECK,)
)
GOOD = Facts(pipeline="trips", run_id="r9", outcome="SUCCEEDED", pushed="/srv/2")


def told(facts: Facts, *channels: str) -> Told:
    return Told(
        pipeline=facts.pipeline,
        run_id="earlier",
        outcome=facts.outcome,
        signature=facts.signature,
        ended=0.0,
        pushed=facts.pushed,
        events=(),
        deliveries=tuple(Delivery(name, "service", SENT, 0.0) for name in channels),
    )


def channel(**wishes) -> ServiceChannel:
    return ServiceChannel(kind="service", url="env:URL", **wishes)


def decide(facts, failures=(), now=NOON, **wishes):
    events = policy.events_of(facts, failures, None)
    return policy.decide("team", channel(**wishes), facts, events, failures, now)


@pytest.mark.parametrize(
    ("facts", "failures", "pushed_before", "events"),
    [
        (GOOD, [], None, ["succeeded", "pushed"]),
        (GOOD, [], "/srv/1", ["succeeded", "pushed"]),
        (GOOD, [], "/srv/2", ["succeeded"]),
        (GOOD, [told(FAILED)], "/srv/2", ["succeeded", "recovered"]),
        (
            dataclasses.replace(GOOD, drifted=("fare",)),
            [],
            "/srv/2",
            ["succeeded", "drift"],
        ),
        (REFUSED, [], None, ["not_blessed"]),
        (
            dataclasses.replace(FAILED, outcome="DATA_REFUSED"),
            [],
            None,
            ["data_refused"],
        ),
        (FAILED, [], None, ["failed"]),
        (dataclasses.replace(FAILED, outcome="PUSH_FAILED"), [], None, ["failed"]),
        (dataclasses.replace(FAILED, outcome="CANCELLED"), [], None, ["failed"]),
        (dataclasses.replace(FAILED, outcome="OVERDUE"), [], None, ["overdue"]),
        (dataclasses.replace(FAILED, outcome="STARTED"), [], None, ["started"]),
    ],
)
def test_events_follow_from_the_outcome_and_what_was_before(
    facts, failures, pushed_before, events
):
    assert list(policy.events_of(facts, failures, pushed_before)) == events


def test_an_ordinary_night_says_nothing():
    """No failure, no refusal: only who asked for `pushed` hears of it."""
    assert not decide(GOOD).send
    assert decide(GOOD, events=("pushed",)).send
    assert Event.SUCCEEDED not in WORTH_A_MESSAGE


def test_the_same_failure_is_told_first_and_then_each_nth_time():
    sent = [
        count
        for count in range(1, 10)
        if decide(FAILED, [told(FAILED, "team")] * (count - 1), repeat_every=4).send
    ]

    assert sent == [1, 4, 8]


def test_another_failure_is_told_at_once():
    other = dataclasses.replace(FAILED, node="Transform")

    assert decide(FAILED, [told(other, "team")]).send


def test_a_refusal_for_the_same_bounds_is_the_same_whatever_the_numbers():
    worse = dataclasses.replace(
        REFUSED, checks=({**CHECK, "candidate": 0.6},), reasons=("auc is 0.6",)
    )

    assert not decide(REFUSED, [told(worse, "team")]).send


def test_recovery_is_told_to_whoever_heard_of_the_failure():
    assert decide(GOOD, [told(FAILED, "team")]).send
    assert not decide(GOOD, [told(FAILED, "others")]).send
    assert decide(GOOD, [told(FAILED), told(FAILED, "team")]).send


@pytest.mark.parametrize(
    ("facts", "only", "send"),
    [
        (FAILED, Only(components=("Trainer",)), True),
        (FAILED, Only(components=("Evaluator",)), False),
        (REFUSED, Only(components=("Evaluator",)), True),
        (REFUSED, Only(slices=("payment_type=Cash",)), True),
        (REFUSED, Only(slices=("payment_type=Card",)), False),
        (FAILED, Only(slices=("payment_type=Cash",)), False),
        (
            dataclasses.replace(GOOD, drifted=("fare",)),
            Only(components=("SchemaValidator",)),
            True,
        ),
    ],
)
def test_conditions_narrow_the_bad_news(facts, only, send):
    assert decide(facts, only=only).send is send


BERLIN = "Europe/Berlin"


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-03-02T21:59:00+01:00", None),
        ("2026-03-02T22:00:00+01:00", "2026-03-03T07:00:00+01:00"),
        ("2026-03-02T23:30:00+01:00", "2026-03-03T07:00:00+01:00"),
        ("2026-03-03T06:59:59+01:00", "2026-03-03T07:00:00+01:00"),
        ("2026-03-03T07:00:00+01:00", None),
        # Clocks go forward in the night: the quiet is an hour shorter.
        ("2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("2026-03-29T03:30:00+02:00", "2026-03-29T07:00:00+02:00"),
        # And back: 02:30 is there twice, both times are quiet.
        ("2026-10-25T02:30:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T07:00:00+01:00"),
    ],
)
def test_quiet_hours_are_those_of_the_clock_on_the_wall(now, end):
    quiet = QuietHours(start="22:00", end="07:00", zone=BERLIN)

    found = policy.end_of_quiet(quiet, at(now))

    assert (found.isoformat() if found else None) == end


def test_quiet_hours_within_a_day():
    quiet = QuietHours(start="12:00", end="13:00", zone="UTC")

    assert policy.end_of_quiet(quiet, at("2026-03-02T11:59:00+00:00")) is None
    assert policy.end_of_quiet(quiet, at("2026-03-02T12:30:00+00:00")) == at(
        "2026-03-02T13:00:00+00:00"
    )


def test_quiet_hours_may_end_in_the_hour_that_a_change_of_the_clocks_skips():
    quiet = QuietHours(start="22:00", end="02:30", zone=BERLIN)

    found = policy.end_of_quiet(quiet, at("2026-03-29T01:00:00+01:00"))

    assert found == at("2026-03-29T03:30:00+02:00")


def test_a_message_in_quiet_hours_waits_for_their_end():
    decision = decide(FAILED, quiet=QuietHours(start="11:00", end="13:30"))

    assert decision.send
    assert decision.not_before == at("2026-03-02T13:30:00+00:00").timestamp()
