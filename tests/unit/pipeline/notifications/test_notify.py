"""From the facts of a run to the people who want to know."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pipeline.config import notifications
from pipeline.notifications import history, notify, watch
from pipeline.runs.facts import RunFacts

FAILED = RunFacts(
    pipeline="trips",
    run_id="20260302-000000-aaaa",
    outcome="FAILED",
    node="Trainer",
    reasons=("ValueError: no rows",),
    ended=1.0,
)


@pytest.fixture
def config(httpserver, monkeypatch):
    """A service that answers with 200, beside the file channel."""
    httpserver.expect_request("/").respond_with_data("")
    monkeypatch.setenv("TEAM", f"json://127.0.0.1:{httpserver.port}/")
    team = {"kind": "service", "url": "env:TEAM", "repeat_every": 3}
    return notifications.NotificationsConfig.model_validate(
        {"channels": {"file": {"kind": "file"}, "team": team}}
    )


@pytest.fixture
def night(config, tmp_path, httpserver):
    """One run a night; returns the subjects that arrived, '' for a quiet one."""
    nights = []

    def night(outcome: str, **facts) -> str:
        before = len(httpserver.log)
        nights.append(outcome)
        told = dataclasses.replace(
            FAILED, run_id=f"2026030{len(nights)}-000000-aaaa", outcome=outcome, **facts
        )
        if outcome == "SUCCEEDED":
            told = dataclasses.replace(told, node=None, reasons=())
        notify.notify(told, config, tmp_path)
        arrived = httpserver.log[before:]
        return arrived[0][0].get_json()["title"] if arrived else ""

    return night


def test_a_week_of_nights(night):
    """First, every third, recovery, and silence when all is well."""
    assert [
        night("SUCCEEDED", pushed="/srv/1"),
        night("FAILED"),
        night("FAILED"),
        night("FAILED"),
        night("FAILED", node="Transform"),
        night("SUCCEEDED", pushed="/srv/2"),
        night("SUCCEEDED", pushed="/srv/3"),
    ] == [
        "",
        "[trips] FAILED at Trainer: ValueError: no rows",
        "",
        "[trips] FAILED at Trainer (3rd time in a row): ValueError: no rows",
        "[trips] FAILED at Transform: ValueError: no rows",
        "[trips] SUCCEEDED: recovered after 4 failures, pushed version 2",
        "",
    ]


def test_a_run_is_told_once_whoever_tells_it(config, tmp_path, httpserver):
    """The Notifier first, then the runner's `finally` or the exit handler."""
    first = notify.notify(FAILED, config, tmp_path)
    second = notify.notify(FAILED, config, tmp_path)

    assert first == second
    assert len(httpserver.log) == 1


def test_a_run_that_ended_otherwise_than_was_told_is_told_again(
    config, tmp_path, httpserver
):
    good = dataclasses.replace(FAILED, outcome="SUCCEEDED", node=None, reasons=())
    notify.notify(good, config, tmp_path)
    notify.notify(dataclasses.replace(FAILED, outcome="CANCELLED"), config, tmp_path)

    [(request, _)] = httpserver.log
    assert request.get_json()["title"].startswith("[trips] CANCELLED at Trainer")


def test_two_runs_that_end_in_the_same_second_are_both_told(
    config, tmp_path, httpserver
):
    other = dataclasses.replace(FAILED, run_id="20260302-000000-bbbb", node="Transform")
    notify.notify(FAILED, config, tmp_path)
    notify.notify(other, config, tmp_path)

    assert len(httpserver.log) == 2
    assert history.of_run(tmp_path, FAILED.run_id).run_id == FAILED.run_id
    assert history.of_run(tmp_path, other.run_id).run_id == other.run_id


def test_another_pipelines_failures_are_not_ours(config, tmp_path, httpserver):
    notify.notify(dataclasses.replace(FAILED, pipeline="other"), config, tmp_path)
    notify.notify(dataclasses.replace(FAILED, run_id="20260303"), config, tmp_path)

    assert len(httpserver.log) == 2


def test_what_was_told_lies_beside_the_run(config, tmp_path):
    notify.notify(FAILED, config, tmp_path)

    told = json.loads((tmp_path / FAILED.run_id / "told.json").read_text("utf-8"))
    assert told["outcome"] == "FAILED"
    assert told["events"] == ["failed"]
    assert [(d["channel"], d["outcome"]) for d in told["deliveries"]] == [
        ("file", "sent"),
        ("team", "sent"),
    ]


def test_nothing_that_breaks_reaches_the_run(config, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("with a s3cr3t")

    monkeypatch.setattr(notify.message, "compose", broken)

    [found] = notify.notify(FAILED, config, tmp_path)

    assert (found.outcome, found.error) == ("lost", "RuntimeError")


def test_a_full_disk_is_said_and_the_message_went_out(config, tmp_path, httpserver):
    """/dev/full answers every write with ENOSPC, as a full disk does."""
    import os

    folder = tmp_path / FAILED.run_id
    folder.mkdir()
    for name in ("told.json", "message.txt", "event.json"):
        (folder / f".{name}.{os.getpid()}.partial").symlink_to("/dev/full")

    found = notify.notify(FAILED, config, tmp_path)

    assert [(d.channel, d.outcome) for d in found] == [
        ("file", "waiting"),
        ("team", "sent"),
        ("record", "lost"),
    ]
    assert found[-1].error == (
        "the record of the notifications cannot be written: No space left on device"
    )


def test_that_a_run_started_is_told_and_then_how_it_ended(tmp_path, httpserver, config):
    wishes = config.channels["team"].model_copy(
        update={"events": ("started", "failed")}
    )
    both = config.model_copy(update={"channels": {"team": wishes}})
    started = dataclasses.replace(FAILED, outcome="STARTED", node=None, reasons=())

    notify.notify(started, both, tmp_path)
    notify.notify(FAILED, both, tmp_path)

    assert [request.get_json()["title"] for request, _ in httpserver.log] == [
        "[trips] STARTED",
        "[trips] FAILED at Trainer: ValueError: no rows",
    ]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("24h", 86400), ("2d", 172800)]
)
def test_a_time_in_words(text, seconds):
    assert watch.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "0h", "-1h", "1.5h", "24 h", "1w"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="is not a time such as 90m, 24h or 2d"):
        watch.seconds(text)


NOW = 1772452800.0


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (("r1", NOW - 86400), None),
        (
            ("r1", NOW - 86401),
            (
                "the last success is r1, ended 2026-03-01 11:59 UTC; "
                "one is expected every 24h"
            ),
        ),
        (None, "no run has ever succeeded; one is expected every 24h"),
    ],
)
def test_a_run_that_never_came_is_noticed(last, reason):
    found = watch.overdue("trips", last, "24h", NOW)

    assert (found.reasons[0] if found else None) == reason


def test_a_run_that_never_came_is_told_the_first_time_and_each_nth(
    config, tmp_path, httpserver
):
    """`watch` runs each hour from cron; nobody wants a message each hour."""
    for hour in range(4):
        facts = watch.overdue("trips", ("r1", 0.0), "24h", NOW + 3600 * hour)
        watch.report(facts, config, tmp_path)

    assert len(httpserver.log) == 2
