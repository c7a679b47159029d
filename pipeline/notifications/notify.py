"""Facts of a run -> the right people know. The Notifier, the local runner's `finally`
and Vertex's exit handler all end here.
"""

from __future__ import annotations

import datetime
import logging
import time
from concurrent import futures
from pathlib import Path

from pipeline.config.notifications import Event, NotificationsConfig
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
from pipeline.notifications.delivery import Clock
from pipeline.notifications.history import (
    LOST,
    OVERRIDDEN,
    SENT,
    WAITING,
    Delivery,
    Told,
)
from pipeline.runs.facts import RunFacts

_LOG = logging.getLogger("millrace")

# How the run ended is still to be told.
_NO_END = ("STARTED", "TEST")


def notify(
    facts: RunFacts,
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
        return _notify(facts, config, runs, patience_s, clock)
    except Exception as error:
        # A message must never change what became of the run.
        _LOG.exception("nobody could be notified of run %s", facts.run_id)
        return (Delivery("all", "", LOST, clock(), type(error).__name__),)


def flush(
    config: NotificationsConfig, runs: Path, clock: Clock = time.time
) -> list[Delivery]:
    """Sends what waits and may go now; what went out never goes again.

    All channels at once: a slow one does not delay another.
    """
    now = datetime.datetime.fromtimestamp(clock(), datetime.UTC)
    queues: dict[str, list[outbox.Waiting]] = {}
    for waiting in outbox.waiting(runs):
        if _may_go(waiting, config, now):
            queues.setdefault(waiting.channel, []).append(waiting)

    def emptied(queue: list[outbox.Waiting]) -> list[Delivery]:
        return [_flushed(waiting, config, runs, clock) for waiting in queue]

    with futures.ThreadPoolExecutor(max_workers=len(queues) or 1) as pool:
        return [each for found in pool.map(emptied, queues.values()) for each in found]


def _may_go(
    waiting: outbox.Waiting, config: NotificationsConfig, now: datetime.datetime
) -> bool:
    """Whether neither its own nor the channel's quiet hours hold it."""
    channel = config.channels.get(waiting.channel)
    quiet = channel.quiet if channel else None
    held = waiting.not_before is not None and waiting.not_before > now.timestamp()
    return not held and not (quiet and policy.end_of_quiet(quiet, now))


def _notify(
    facts: RunFacts,
    config: NotificationsConfig,
    runs: Path,
    patience_s: float,
    clock: Clock,
) -> tuple[Delivery, ...]:
    previous = history.latest(facts, runs)
    events = policy.events_of(facts, previous)
    words = message.compose(facts, events, previous)
    parcel = Parcel(
        run_id=facts.run_id,
        message=words,
        event=completion.event(facts, events, words),
        bad_news=not (facts.succeeded or facts.outcome in (*_NO_END, OVERRIDDEN)),
    )
    orders = _orders(facts, events, previous, config, clock())
    deliveries = delivery.deliver(
        parcel, orders, runs, config.secret_manager_endpoint, patience_s, clock
    )
    if facts.partial or facts.outcome in _NO_END:
        return deliveries  # the next run need not know of it
    try:
        if facts.outcome == OVERRIDDEN:
            previous = history.of_run(runs, facts.run_id) or previous
        history.record(history.after(previous, facts, events, deliveries), runs)
    except OSError as error:
        why = f"the record of the notifications cannot be written: {error.strerror}"
        deliveries = (*deliveries, Delivery("record", "", LOST, clock(), why))
    return deliveries


def _orders(
    facts: RunFacts,
    events: tuple[Event, ...],
    previous: Told | None,
    config: NotificationsConfig,
    now: float,
) -> dict[str, delivery.Order]:
    """Who is to be told; the log says why the others are not."""
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    orders = {}
    for name, channel in config.channels.items():
        decision = policy.decide(name, channel, facts, events, previous, moment)
        if decision.send:
            orders[name] = delivery.Order(channel, decision.not_before)
        else:
            _LOG.info("notification to %s: none, %s", name, decision.why)
    return orders


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
