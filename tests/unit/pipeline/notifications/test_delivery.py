"""All channels at once, with patience; what cannot go waits."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading

import pytest

from pipeline.config import notifications
from pipeline.errors import NotDelivered
from pipeline.notifications import (
    channels,
    completion,
    delivery,
    message,
    notify,
    outbox,
)
from pipeline.notifications.channels import Parcel
from pipeline.notifications.delivery import Order
from pipeline.runs.facts import RunFacts

FACTS = RunFacts(
    pipeline="trips", run_id="r1", outcome="FAILED", node="Trainer", ended=5.0
)
WORDS = message.compose(FACTS, ["failed"])
PARCEL = Parcel("r1", WORDS, completion.event(FACTS, ("failed",), WORDS), True)


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(delivery, "_FIRST_WAIT_S", 0.01)


@pytest.fixture
def config(monkeypatch):
    """Channels by name; each service posts to the URL given."""

    def config(**urls: str) -> notifications.NotificationsConfig:
        found = {}
        for name, url in urls.items():
            monkeypatch.setenv(f"URL_{name}", url)
            found[name] = {"kind": "service", "url": f"env:URL_{name}", "timeout_s": 2}
        return notifications.NotificationsConfig.model_validate({"channels": found})

    return config


def orders(config: notifications.NotificationsConfig) -> dict[str, Order]:
    return {name: Order(channel) for name, channel in config.channels.items()}


def url(httpserver, path: str = "/") -> str:
    return f"json://127.0.0.1:{httpserver.port}{path}"


def test_what_may_pass_by_itself_is_tried_again(config, httpserver, tmp_path):
    for status in (500, 429, 200):
        httpserver.expect_ordered_request("/").respond_with_data("", status)

    [found] = delivery.deliver(PARCEL, orders(config(a=url(httpserver))), tmp_path)

    assert (found.channel, found.outcome, found.error) == ("a", "sent", "")
    assert len(httpserver.log) == 3
    assert list(outbox.waiting(tmp_path)) == []


def test_what_will_not_pass_is_tried_once_and_waits(config, httpserver, tmp_path):
    httpserver.expect_request("/").respond_with_data("", 404)

    [found] = delivery.deliver(PARCEL, orders(config(a=url(httpserver))), tmp_path)

    assert found.outcome == "waiting"
    assert "error=404" in found.error
    assert len(httpserver.log) == 1
    [waiting] = outbox.waiting(tmp_path)
    assert (waiting.channel, waiting.parcel) == ("a", PARCEL)


def test_a_slow_channel_does_not_delay_another(config, httpserver, tmp_path):
    """The other is there while the slow one has not even been given up."""
    arrived = threading.Event()
    httpserver.expect_request("/").respond_with_handler(
        lambda _: (arrived.set(), "")[1]
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = f"json://127.0.0.1:{silent.getsockname()[1]}/"
        both = orders(config(slow=slow, fast=url(httpserver)))
        run = threading.Thread(
            target=delivery.deliver,
            args=(PARCEL, both, tmp_path),
            kwargs={"patience_s": 60},
        )
        run.start()

        assert arrived.wait(10)
        assert run.is_alive()
        run.join(30)


def test_nobody_waits_longer_than_the_patience(config, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = f"json://127.0.0.1:{silent.getsockname()[1]}/"
        [found] = delivery.deliver(
            PARCEL, orders(config(slow=slow)), tmp_path, patience_s=0.2
        )

        # While the server is silent; once it is gone, the attempt has failed.
        assert (found.outcome, found.error) == (
            "waiting",
            "no answer in time; it may have arrived",
        )
        assert list(outbox.waiting(tmp_path)) == []
        assert [path.name for path in outbox.cut_off(tmp_path)] == [
            "slow-failed.sending"
        ]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_message_that_was_given_up_waits_only_if_it_did_not_arrive(
    arrives, config, tmp_path, monkeypatch
):
    """Else the next flush would send it a second time."""
    go = threading.Event()

    def send(*_):
        go.wait(10)
        if not arrives:
            raise NotDelivered("refused", transient=False)

    monkeypatch.setattr(channels, "send", send)

    [found] = delivery.deliver(
        PARCEL, orders(config(a="json://x")), tmp_path, patience_s=0.05
    )
    assert found.outcome == "waiting"
    assert len(outbox.cut_off(tmp_path)) == 1
    go.set()
    _join("a")

    assert outbox.cut_off(tmp_path) == []
    assert len(list(outbox.waiting(tmp_path))) == (0 if arrives else 1)


def test_that_a_run_started_does_not_take_the_place_of_how_it_ended(config, tmp_path):
    started = dataclasses.replace(FACTS, outcome="STARTED", node=None)
    words = message.compose(started)
    parcel = Parcel("r1", words, completion.event(started, (), words), False)
    both = orders(config(a="syslog://x"))

    delivery.deliver(parcel, both, tmp_path)
    delivery.deliver(PARCEL, both, tmp_path)

    outcomes = [each.parcel.outcome for each in outbox.waiting(tmp_path)]
    assert sorted(outcomes) == ["FAILED", "STARTED"]


def _join(channel: str) -> None:
    for thread in threading.enumerate():
        if thread.name == f"tell {channel}":
            thread.join(10)


def test_an_error_that_nobody_thought_of_is_a_message_that_waits(
    config, tmp_path, monkeypatch
):
    def send(*_):
        raise ZeroDivisionError("with s3cr3t")

    monkeypatch.setattr(channels, "send", send)

    [found] = delivery.deliver(PARCEL, orders(config(a="json://x")), tmp_path)

    assert (found.outcome, found.error) == ("waiting", "ZeroDivisionError")


def test_quiet_hours_let_a_message_wait(config, httpserver, tmp_path):
    settings_ = config(a=url(httpserver))
    quiet = {"a": Order(settings_.channels["a"], not_before=1000.0)}
    httpserver.expect_request("/").respond_with_data("")

    [found] = delivery.deliver(PARCEL, quiet, tmp_path)

    assert (found.outcome, found.error) == ("waiting", "quiet hours")
    assert notify.flush(settings_, tmp_path, clock=lambda: 999.0) == []
    [sent] = notify.flush(settings_, tmp_path, clock=lambda: 1000.0)
    assert sent.outcome == "sent"


def test_an_outbox_on_a_full_disk_loses_the_message_and_says_so(
    config, httpserver, tmp_path
):
    """/dev/full answers every write with ENOSPC, as a full disk does."""
    httpserver.expect_request("/").respond_with_data("", 404)
    folder = tmp_path / "r1" / "outbox"
    folder.mkdir(parents=True)
    import os

    (folder / f".a-failed.json.{os.getpid()}.partial").symlink_to("/dev/full")

    [found] = delivery.deliver(PARCEL, orders(config(a=url(httpserver))), tmp_path)

    assert found.outcome == "lost"
    assert found.error.endswith("the outbox cannot be written: No space left on device")


def test_a_flush_sends_what_waits_and_never_twice(config, httpserver, tmp_path):
    httpserver.expect_ordered_request("/").respond_with_data("", 404)
    httpserver.expect_ordered_request("/").respond_with_data("")
    settings_ = config(a=url(httpserver))
    delivery.deliver(PARCEL, orders(settings_), tmp_path)

    [first] = notify.flush(settings_, tmp_path)
    second = notify.flush(settings_, tmp_path)

    assert (first.channel, first.outcome) == ("a", "sent")
    assert second == []
    assert len(httpserver.log) == 2
    assert (tmp_path / "r1" / "outbox" / "sent" / "a-failed.json").is_file()


def test_a_flush_that_fails_leaves_the_message_waiting(config, httpserver, tmp_path):
    httpserver.expect_request("/").respond_with_data("", 404)
    settings_ = config(a=url(httpserver))
    delivery.deliver(PARCEL, orders(settings_), tmp_path)

    [found] = notify.flush(settings_, tmp_path)

    assert found.outcome == "waiting"
    assert len(list(outbox.waiting(tmp_path))) == 1
    assert outbox.cut_off(tmp_path) == []


def test_two_flushes_at_once_send_one_message(config, tmp_path, monkeypatch):
    settings_ = config(a="json://x")
    outbox.keep(tmp_path / "r1", "a", PARCEL, "why")
    sent, both = [], threading.Barrier(2)
    monkeypatch.setattr(channels, "send", lambda name, *_: sent.append(name))

    def flush() -> None:
        both.wait()
        notify.flush(settings_, tmp_path)

    threads = [threading.Thread(target=flush) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sent == ["a"]


def test_a_message_cut_off_while_it_was_sent_is_shown_and_not_sent_again(
    config, tmp_path, monkeypatch
):
    settings_ = config(a="json://x")
    outbox.keep(tmp_path / "r1", "a", PARCEL, "why")
    [waiting] = outbox.waiting(tmp_path)
    claimed = outbox.take(waiting)

    assert notify.flush(settings_, tmp_path) == []
    assert outbox.cut_off(tmp_path) == [claimed]


def test_a_message_for_a_channel_that_is_gone_stays(config, tmp_path):
    outbox.keep(tmp_path / "r1", "b", PARCEL, "why")

    [found] = notify.flush(config(a="json://x"), tmp_path)

    assert (found.outcome, found.error) == (
        "waiting",
        "the configuration has no such channel any more",
    )


def test_the_wait_grows_and_obeys_the_service(monkeypatch):
    monkeypatch.setattr(delivery, "_FIRST_WAIT_S", 1.0)

    def wait(attempt: int, asked: float) -> float:
        class Outcome:
            @staticmethod
            def exception():
                return NotDelivered("", True, asked)

        class State:
            attempt_number = attempt
            outcome = Outcome

        return delivery._wait(State)

    assert [wait(attempt, 0.0) for attempt in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert wait(1, 7.0) == 7.0
    assert wait(1, 3600.0) == 20.0


def test_the_outbox_holds_no_secret(config, httpserver, tmp_path):
    httpserver.expect_request("/t0kent0ken").respond_with_data("", 404)
    address = f"json://user:pa55word@127.0.0.1:{httpserver.port}/t0kent0ken"

    delivery.deliver(PARCEL, orders(config(a=address)), tmp_path)

    text = (tmp_path / "r1" / "outbox" / "a-failed.json").read_text("utf-8")
    assert json.loads(text)["channel"] == "a"
    assert "pa55word" not in text
    assert "t0kent0ken" not in text


def test_nobody_tries_again_after_the_patience(config, tmp_path, monkeypatch):
    """The message lies in the outbox by then; a late attempt could send it twice."""
    tried = []

    def send(*_):
        tried.append(1)
        raise NotDelivered("busy", transient=True)

    monkeypatch.setattr(channels, "send", send)
    monkeypatch.setattr(delivery, "_FIRST_WAIT_S", 0.2)

    delivery.deliver(PARCEL, orders(config(a="json://x")), tmp_path, patience_s=0.05)
    _join("a")

    assert len(tried) == 1


def test_a_secret_that_leads_nowhere_lets_the_message_wait(
    config, tmp_path, monkeypatch
):
    settings_ = config(a="json://x")
    monkeypatch.delenv("URL_a")

    [found] = delivery.deliver(PARCEL, orders(settings_), tmp_path)

    assert (found.outcome, found.error) == (
        "waiting",
        "env:URL_a is not set in the environment of this process",
    )


def test_an_error_that_nobody_thought_of_does_not_stop_a_flush(
    config, httpserver, tmp_path, monkeypatch
):
    settings_ = config(a="json://x", b="json://y")
    for name in ("a", "b"):
        outbox.keep(tmp_path / "r1", name, PARCEL, "why")

    def broken(channel, *_):
        raise ZeroDivisionError("with s3cr3t")

    monkeypatch.setattr(channels, "_to_service", broken)

    found = notify.flush(settings_, tmp_path)

    assert [(each.outcome, each.error) for each in found] == [
        ("waiting", "ZeroDivisionError")
    ] * 2
    assert len(list(outbox.waiting(tmp_path))) == 2


def test_a_flush_keeps_the_quiet_hours_of_its_channel(config, httpserver, tmp_path):
    httpserver.expect_request("/").respond_with_data("")
    settings_ = config(a=url(httpserver))
    quiet = notifications.QuietHours(start="22:00", end="07:00")
    channel = settings_.channels["a"].model_copy(update={"quiet": quiet})
    settings_ = settings_.model_copy(update={"channels": {"a": channel}})
    outbox.keep(tmp_path / "r1", "a", PARCEL, "no connection")

    assert notify.flush(settings_, tmp_path, clock=lambda: 23 * 3600.0) == []
    [sent] = notify.flush(settings_, tmp_path, clock=lambda: 7 * 3600.0)
    assert sent.outcome == "sent"


def test_what_is_no_character_does_not_keep_a_message_from_anybody(config, tmp_path):
    """A Latin-1 file name, as Python has it in its errors."""
    facts = dataclasses.replace(FACTS, reasons=("cannot read donn\udce9es.csv",))
    channels_ = {"file": {"kind": "file"}, "log": {"kind": "log"}}
    settings_ = notifications.NotificationsConfig.model_validate(
        {"channels": channels_}
    )

    found = notify.notify(facts, settings_, tmp_path)

    assert [(each.channel, each.outcome) for each in found] == [
        ("file", "sent"),
        ("log", "sent"),
    ]
    assert (tmp_path / "r1" / "told.json").is_file()
