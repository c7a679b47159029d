"""A parcel to every channel at once, patiently; what cannot go waits in the outbox."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import tenacity

from pipeline.config import notifications
from pipeline.errors import NotDelivered
from pipeline.notifications import channels, outbox
from pipeline.notifications.channels import Parcel
from pipeline.notifications.history import LOST, SENT, WAITING, Delivery

_LOG = logging.getLogger("millrace")
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 20.0
# A run does not end before its channels were tried, and no later than this.
PATIENCE_S = 60.0
NO_ANSWER = "no answer in time; it may have arrived"

Clock = Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Order:
    """A channel that is to have the parcel."""

    channel: notifications.Channel
    not_before: float | None = None
    """When the channel's quiet hours end."""


def deliver(
    parcel: Parcel,
    orders: Mapping[str, Order],
    runs: Path,
    secret_manager: str | None = None,
    patience_s: float = PATIENCE_S,
    clock: Clock = time.time,
) -> tuple[Delivery, ...]:
    """Sends to every channel, each in a thread of its own; never raises.

    Args:
      parcel: the words and the event.
      orders: channel name -> order.
      runs: folder of all runs' folders.
      secret_manager: host:port in place of Google's.
      patience_s: seconds for all of them; who is not done by then waits.
      clock: seconds since 1970.
    """
    folder = runs / parcel.run_id
    results: dict[str, str | None] = {}
    given_up, lock = threading.Event(), threading.Lock()

    def work(name: str, channel: notifications.Channel) -> None:
        why = _attempted(name, channel, parcel, folder, secret_manager, given_up)
        with lock:
            results[name] = why
            if given_up.is_set():
                settle_late = outbox.failed_late if why else outbox.arrived_late
                settle_late(folder, name, parcel)

    # Daemons: a service that never answers does not keep the process from ending.
    threads = [
        threading.Thread(
            target=work, args=(name, order.channel), name=f"tell {name}", daemon=True
        )
        for name, order in orders.items()
        if order.not_before is None
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    with lock:
        given_up.set()
        for name, order in orders.items():
            if order.not_before is not None:
                results[name] = "quiet hours"
        return tuple(
            _settled(name, order, parcel, folder, results.get(name, NO_ANSWER), clock())
            for name, order in orders.items()
        )


def _attempted(
    name: str,
    channel: notifications.Channel,
    parcel: Parcel,
    folder: Path,
    secret_manager: str | None,
    given_up: threading.Event,
) -> str | None:
    """None when it was sent; else why not."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda error: isinstance(error, NotDelivered) and error.transient
        ),
        stop=tenacity.stop_after_attempt(channel.attempts),
        wait=_wait,
        sleep=tenacity.sleep_using_event(given_up),
        reraise=True,
    )

    def attempt() -> None:
        if given_up.is_set():  # the message lies in the outbox by now
            raise NotDelivered(NO_ANSWER, transient=False)
        channels.send(name, channel, parcel, folder, secret_manager)

    try:
        retrying(attempt)
    except NotDelivered as error:
        _LOG.warning("notification to %s was not sent: %s", name, error)
        return str(error)
    except Exception as error:
        # Its text may hold the address; the type tells enough.
        _LOG.warning("notification to %s was not sent: %s", name, type(error).__name__)
        return type(error).__name__
    return None


def _wait(state: tenacity.RetryCallState) -> float:
    """1, 2, 4, ... seconds, or what the service asked for, within reason."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, NotDelivered) else 0.0
    doubled = _FIRST_WAIT_S * 2 ** (state.attempt_number - 1)
    return min(max(asked, doubled), _LONGEST_WAIT_S)


def _settled(
    name: str,
    order: Order,
    parcel: Parcel,
    folder: Path,
    why: str | None,
    now: float,
) -> Delivery:
    kind = order.channel.kind
    if why is None:
        return Delivery(name, kind, SENT, now)
    try:
        sending = why == NO_ANSWER
        outbox.keep(folder, name, parcel, why, order.not_before, sending)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        lost = f"{why}; and the outbox cannot be written: {reason}"
        return Delivery(name, kind, LOST, now, lost)
    return Delivery(name, kind, WAITING, now, why)
