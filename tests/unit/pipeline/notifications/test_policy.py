"""Who hears of a run, and when."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from pipeline.config.notifications import (
    WORTH_A_MESSAGE,
    Event,
    FileChannel,
    Only,
    QuietHours,
    ServiceChannel,
)
from pipeline.notifications import history, policy
from pipeline.notifications.history import SENT, Delivery, Told
from pipeline.runs.facts import RunFacts
from pipeline.runs.verdict import Check

NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
CHECK = Check(
    slice="payment_type=Cash",
    metric="auc",
    candidate=0.7,
    baseline=0.8,
    bound=">= 0.75",
    passed=False,
)
FAILED = RunFacts(
    pipeline="trips",
    run_id="r9",
    outcome="FAILED",
    node="Trainer",
    reasons=("ValueError: no rows",),
)
REFUSED = dataclasses.replace(
    FAILED,
    outcome="NOT_BLESSED",
    node="Evaluator",
    checks=(CHECK, dataclasses.replace(CHECK, slice="payment_type=Card", passed=True)),
    reasons=(str(CHECK),),
)
GOOD = RunFacts(pipeline="trips", run_id="r9", outcome="SUCCEEDED", pushed="/srv/2")


def past(*runs: tuple[RunFacts, tuple[str, ...]]) -> Told | None:
    """The newest of these runs, oldest first, each with the channels that heard."""
    previous = None
    for facts, channels in runs:
        sent = tuple(Delivery(name, "service", SENT, 0.0) for name in channels)
        previous = history.after(previous, facts, (), sent)
    return previous


def channel(**wishes) -> ServiceChannel:
    return ServiceChannel(kind="service", url="env:URL", **wishes)


def decide(facts, previous=None, now=NOON, **wishes):
    events = policy.events_of(facts, previous)
    return policy.decide("team", channel(**wishes), facts, events, previous, now)


SERVED_1 = past((dataclasses.replace(GOOD, pushed="/srv/1"), ()))
SERVED_2 = past((GOOD, ()))
DRIFTED = dataclasses.replace(GOOD, drifted=("fare",))


@pytest.mark.parametrize(
    ("facts", "previous", "events"),
    [
        (GOOD, None, ["succeeded", "pushed"]),
        (GOOD, SERVED_1, ["succeeded", "pushed"]),
        (GOOD, SERVED_2, ["succeeded"]),
        (GOOD, past((GOOD, ()), (FAILED, ())), ["succeeded", "recovered"]),
        (DRIFTED, SERVED_2, ["succeeded", "drift"]),
        (REFUSED, None, ["not_blessed"]),
        (dataclasses.replace(FAILED, outcome="DATA_REFUSED"), None, ["data_refused"]),
        (FAILED, None, ["failed"]),
        (dataclasses.replace(FAILED, outcome="PUSH_FAILED"), None, ["failed"]),
        (dataclasses.replace(FAILED, outcome="CANCELLED"), None, ["failed"]),
        (dataclasses.replace(FAILED, outcome="OVERDUE"), None, ["overdue"]),
        (dataclasses.replace(FAILED, outcome="STARTED"), None, ["started"]),
    ],
)
def test_events_follow_from_the_outcome_and_what_was_before(facts, previous, events):
    assert list(policy.events_of(facts, previous)) == events


def test_an_ordinary_night_says_nothing():
    """No failure, no refusal: only who asked for `pushed` hears of it."""
    assert not decide(GOOD).send
    assert decide(GOOD, events=("pushed",)).send
    assert Event.SUCCEEDED not in WORTH_A_MESSAGE


def test_the_same_failure_is_told_first_and_then_each_nth_time():
    sent = [
        count
        for count in range(1, 10)
        if decide(
            FAILED, past(*[(FAILED, ("team",))] * (count - 1)), repeat_every=4
        ).send
    ]

    assert sent == [1, 4, 8]


def test_a_year_of_the_same_failure_is_still_told_each_nth_time():
    previous = past(*[(FAILED, ("team",))] * 8759)

    assert decide(FAILED, previous, repeat_every=24).send
    assert not decide(FAILED, previous, repeat_every=7).send


def test_another_failure_is_told_at_once():
    other = dataclasses.replace(FAILED, node="Transform")

    assert decide(FAILED, past((other, ("team",)))).send


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 5.3 s", "took 7.1 s"),
        ("<Foo object at 0x7f3a12bc>", "<Foo object at 0x7f00ff01>"),
        ("/tmp/tmpab3x_k/data is gone", "/tmp/tmpq9_zz/data is gone"),
        (
            "job 123e4567-e89b-12d3-a456-426614174000",
            "job 00000000-aaaa-bbbb-cccc-426614174fff",
        ),
    ],
    ids=["number", "address", "temporary", "uuid"],
)
def test_what_differs_each_time_is_not_another_failure(one, other):
    first = dataclasses.replace(FAILED, reasons=(one,))
    second = dataclasses.replace(FAILED, reasons=(other,))

    assert first.signature == second.signature
    assert "Trainer" in first.signature


def test_a_refusal_for_the_same_bounds_is_the_same_whatever_the_numbers():
    check = dataclasses.replace(CHECK, candidate=0.6)
    worse = dataclasses.replace(REFUSED, checks=(check,), reasons=(str(check),))

    assert not decide(REFUSED, past((worse, ("team",)))).send


def test_a_refusal_that_no_bound_explains_is_told_apart_by_its_words():
    def refused(reason: str) -> RunFacts:
        return dataclasses.replace(REFUSED, checks=(), reasons=(reason,))

    absent = refused("slices of hour: no row has a value there, nothing was judged")
    one, other = (
        refused(f"a constant: the model adds nothing: {gain}")
        for gain in ("+0.0012", "-0.0034")
    )

    assert not decide(one, past((other, ("team",)))).send
    assert decide(one, past((absent, ("team",)))).send


def test_recovery_is_told_to_whoever_heard_of_the_failure():
    assert decide(GOOD, past((FAILED, ("team",)))).send
    assert not decide(GOOD, past((FAILED, ("others",)))).send
    assert decide(GOOD, past((FAILED, ("team",)), (FAILED, ()))).send
    assert not decide(GOOD, past((FAILED, ("team",)), (GOOD, ()))).send


def test_a_part_of_the_graph_is_nobodys_news():
    part = dataclasses.replace(FAILED, partial=True)

    assert not decide(part).send
    assert policy.decide(
        "file", FileChannel(kind="file"), part, [Event.FAILED], None, NOON
    ).send


@pytest.mark.parametrize(
    ("facts", "only", "send"),
    [
        (FAILED, Only(components=("Trainer",)), True),
        (FAILED, Only(components=("Evaluator",)), False),
        (REFUSED, Only(components=("Evaluator",)), True),
        (REFUSED, Only(slices=("payment_type=Cash",)), True),
        (REFUSED, Only(slices=("payment_type=Card",)), False),
        (FAILED, Only(slices=("payment_type=Cash",)), False),
        (REFUSED, Only(slices=("payment_type=Cheque",)), True),
        (GOOD, Only(slices=("payment_type=Cheque",)), False),
        (DRIFTED, Only(components=("SchemaValidator",)), True),
    ],
)
def test_conditions_narrow_the_bad_news(facts, only, send):
    assert decide(facts, only=only).send is send


def test_each_event_has_conditions_of_its_own():
    """A recovery that nobody here waited for, with a drift elsewhere: two no's."""
    only = Only(slices=("payment_type=Cash",))

    assert not decide(DRIFTED, past((FAILED, ("others",))), only=only).send
    assert decide(DRIFTED, past((FAILED, ("team",))), only=only).send


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

    assert found.isoformat() == "2026-03-29T03:00:00+02:00"


def test_quiet_hours_may_end_at_a_time_that_comes_twice():
    quiet = QuietHours(start="22:00", end="02:30", zone=BERLIN)

    first = policy.end_of_quiet(quiet, at("2026-10-25T02:15:00+02:00"))
    second = policy.end_of_quiet(quiet, at("2026-10-25T02:15:00+01:00"))

    assert first.isoformat() == "2026-10-25T02:30:00+02:00"
    assert second.isoformat() == "2026-10-25T02:30:00+01:00"


def test_a_message_in_quiet_hours_waits_for_their_end():
    decision = decide(FAILED, quiet=QuietHours(start="11:00", end="13:30"))

    assert decision.send
    assert decision.not_before == at("2026-03-02T13:30:00+00:00").timestamp()
