"""Facts of a run -> the right people know. The Notifier, the local runner's `finally`
and Vertex's exit handler all end here.
"""

from __future__ import annotations

import datetime
import itertools
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import NotDelivered
from pipeline.notifications import (
    channels,
    completion,
    delivery,
    history,
    message,
    outbox,
    policy,
)
from pipeline.notifications.channels import Parcel
from pipeline.notifications.facts import SUCCEEDED, Facts
from pipeline.notifications.history import LOST, SENT, WAITING, Delivery, Told
from pipeline.notifications.settings import NotificationsConfig

_LOG = logging.getLogger("millrace")

Clock = Callable[[], float]

# A failure is looked for among so many runs before this one.
_FAR_ENOUGH = 1000


def tell(
    facts: Facts,
    config: NotificationsConfig,
    runs: Path,
    patience_s: float = delivery.PATIENCE_S,
    clock: Clock = time.time,
) -> tuple[Delivery, ...]:
    """Tells every channel that wants to know; never raises, whatever breaks.

    A run that was told with this outcome already is not told again.

    Args:
      facts: how the run ended.
      config: the channels.
      runs: folder of all runs' folders.
      patience_s: seconds for all channels together.
      clock: seconds since 1970.
    """
    try:
        told = history.of_run(runs, facts.run_id)
        if told and told.outcome == facts.outcome:
            return told.deliveries
        return _tell(facts, config, runs, patience_s, clock)
    except Exception as error:
        # A message must never change what became of the run.
        _LOG.exception("nobody could be told of run %s", facts.run_id)
        return (Delivery("all", "", LOST, clock(), type(error).__name__),)


def prepared(
    facts: Facts, config: NotificationsConfig, runs: Path, clock: Clock = time.time
) -> tuple[Parcel, dict[str, delivery.Order], dict[str, str]]:
    """What would be sent to whom, and why the others hear nothing."""
    failures, pushed_before = _looked_up(facts, runs)
    events = policy.events_of(facts, failures, pushed_before)
    words = message.compose(facts, events, failures)
    parcel = Parcel(
        run_id=facts.run_id,
        message=words,
        event=completion.event(facts, events, words),
        bad_news=not facts.succeeded,
    )
    now = datetime.datetime.fromtimestamp(clock(), datetime.UTC)
    orders, silent = {}, {}
    for name, channel in config.channels.items():
        decision = policy.decide(name, channel, facts, events, failures, now)
        if decision.send:
            orders[name] = delivery.Order(channel, decision.not_before)
        else:
            silent[name] = decision.why
    return parcel, orders, silent


def flush(
    config: NotificationsConfig, runs: Path, clock: Clock = time.time
) -> list[Delivery]:
    """Sends what waits and may go now; what went out never goes again."""
    found = []
    for waiting in list(outbox.waiting(runs)):
        if waiting.not_before is None or waiting.not_before <= clock():
            found.append(_flushed(waiting, config, runs, clock))
    return found


def _tell(
    facts: Facts,
    config: NotificationsConfig,
    runs: Path,
    patience_s: float,
    clock: Clock,
) -> tuple[Delivery, ...]:
    parcel, orders, silent = prepared(facts, config, runs, clock)
    for name, why in silent.items():
        _LOG.info("notification to %s: none, %s", name, why)
    deliveries = delivery.deliver(
        parcel, orders, runs, config.secret_manager_endpoint, patience_s, clock
    )
    if facts.outcome == "STARTED":
        return deliveries  # how it ended is still to be told
    try:
        events = tuple(parcel.event["data"]["millrace"]["events"])
        history.record(facts, events, deliveries, runs)
    except OSError as error:
        why = f"what was told cannot be written down: {error.strerror}"
        deliveries = (*deliveries, Delivery("record", "", LOST, clock(), why))
    return deliveries


def _looked_up(facts: Facts, runs: Path) -> tuple[list[Told], str | None]:
    """The failures right before the run, and what the success before had pushed."""
    earlier = itertools.islice(history.before(facts, runs), _FAR_ENOUGH)
    failures: list[Told] = []
    for told in earlier:
        if told.outcome == SUCCEEDED:
            return failures, told.pushed
        failures.append(told)
    return failures, None


def _flushed(
    waiting: outbox.Waiting, config: NotificationsConfig, runs: Path, clock: Clock
) -> Delivery:
    channel = config.channels.get(waiting.channel)
    if channel is None:
        why = "the configuration has no such channel any more"
        return Delivery(waiting.channel, "", WAITING, clock(), why)
    claimed = outbox.take(waiting)
    if claimed is None:
        return Delivery(waiting.channel, channel.kind, SENT, clock())
    try:
        channels.send(
            waiting.channel,
            channel,
            waiting.parcel,
            runs / waiting.run_id,
            config.secret_manager_endpoint,
        )
    except NotDelivered as error:
        outbox.put_back(claimed, waiting, str(error))
        return Delivery(waiting.channel, channel.kind, WAITING, clock(), str(error))
    outbox.sent(claimed)
    return Delivery(waiting.channel, channel.kind, SENT, clock())


CIRCUMSTANCES = "started.json"


def circumstances(runs: Path, run_id: str) -> dict[str, Any]:
    """What the runner wrote down when the run began: fields of Facts; {} if nothing."""
    try:
        return json.loads((runs / run_id / CIRCUMSTANCES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
