"""What each change does to the traffic, whatever was done before it."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.gcp.endpoints import traffic
from pipeline.gcp.endpoints.traffic import NEW, Deployed, State

CANARY = State(
    (
        Deployed(id="11", version="1", percent=90),
        Deployed(id="12", version="2", percent=10),
    )
)


def after(state: State, change: traffic.Change, new_id: str = "99") -> State:
    """What the service makes of the change."""
    split = {new_id if id_ == NEW else id_: p for id_, p in change.split.items()}
    known = {d.id: d for d in state.deployed}
    if change.kind == "deploy":
        known[new_id] = Deployed(id=new_id, version=change.version, percent=0)
    if change.kind == "undeploy":
        known = {id_: d for id_, d in known.items() if d.version != change.version}
    assert set(split) <= set(known), "traffic on what is not deployed"
    return State(
        tuple(
            dataclasses.replace(d, percent=split.get(id_, 0))
            for id_, d in known.items()
        ),
        change.stable,
        change.before,
    )


def shares(state: State) -> dict[str, int]:
    return {d.version: d.percent for d in state.deployed}


def test_the_first_version_takes_all_traffic():
    change = traffic.deploy(State(), "1", 10)

    assert (change.kind, change.split) == ("deploy", {NEW: 100})


def test_a_new_version_takes_its_part_beside_the_stable_one():
    alone = State((Deployed(id="11", version="1", percent=100),))

    change = traffic.deploy(alone, "2", 10)

    assert (change.kind, change.split) == ("deploy", {"11": 90, NEW: 10})


def test_a_canary_grows_without_a_second_deployment():
    change = traffic.deploy(CANARY, "2", 50)

    assert (change.kind, change.split) == ("split", {"11": 50, "12": 50})


@pytest.mark.parametrize(("version", "percent"), [("2", 10), ("1", 90)])
def test_what_is_so_already_changes_nothing(version, percent):
    assert traffic.deploy(CANARY, version, percent).kind == "none"


def test_a_version_may_wait_without_traffic():
    waiting = after(CANARY, traffic.deploy(CANARY, "2", 0))

    assert shares(waiting) == {"1": 100, "2": 0}


def test_a_promoted_canary_is_rolled_back_to_what_served_before():
    promoted = after(CANARY, traffic.promote(CANARY))
    back = after(promoted, traffic.rollback(promoted))

    assert shares(promoted) == {"1": 0, "2": 100}
    assert shares(back) == {"1": 100, "2": 0}


def test_a_canary_is_rolled_back_to_the_stable_version():
    back = after(CANARY, traffic.rollback(CANARY))

    assert shares(back) == {"1": 100, "2": 0}
    assert back.main.version == "1"


def test_promoting_again_keeps_what_to_roll_back_to():
    promoted = after(CANARY, traffic.promote(CANARY))
    again = traffic.promote(promoted, "2")

    assert again.kind == "none"
    assert again.before == "11"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: traffic.deploy(CANARY, "3", 5), "version 2 is the canary with 10 %"),
        (lambda: traffic.deploy(CANARY, "1", 50), "version 1 is the stable one"),
        (lambda: traffic.deploy(CANARY, "2", 100), "endpoint promote"),
        (lambda: traffic.promote(CANARY, "7"), "not deployed. Deployed: 1, 2"),
        (lambda: traffic.promote(State()), "no version is the canary"),
        (lambda: traffic.rollback(State()), "nothing is deployed"),
        (lambda: traffic.undeploy(CANARY, "2"), "has 10 % of the traffic"),
        (lambda: traffic.undeploy(CANARY, "7"), "version 7 is not deployed"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(change, words):
    with pytest.raises(UsageError, match=words):
        change()


def test_nothing_is_before_a_version_that_was_undeployed():
    promoted = after(CANARY, traffic.promote(CANARY))
    gone = after(promoted, traffic.undeploy(promoted, "1"))

    with pytest.raises(UsageError, match="not deployed any more"):
        traffic.rollback(gone)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deploy", "promote", "rollback", "undeploy"]),
        st.sampled_from(["1", "2", "3"]),
        st.integers(0, 100),
    ),
    max_size=25,
)


def planned(state: State, name: str, version: str, percent: int) -> traffic.Change:
    rule = getattr(traffic, name)
    arguments = {"deploy": (version, percent), "rollback": ()}.get(name, (version,))
    return rule(state, *arguments)


@given(STEPS)
def test_whatever_is_done_the_traffic_sums_to_100_with_at_most_one_canary(steps):
    state, ids = State(), itertools.count(1)
    for name, version, percent in steps:
        try:
            change = planned(state, name, version, percent)
        except UsageError:
            continue
        served = state.main
        state = after(state, change, str(next(ids)))

        with_traffic = [d for d in state.deployed if d.percent]
        assert sum(d.percent for d in with_traffic) == 100
        assert len(with_traffic) <= 2
        assert len(state.deployed) == len({d.version for d in state.deployed})
        if change.kind == "undeploy":
            assert state.main == served
