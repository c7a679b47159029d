"""Who wants to hear of this run, now? Facts and history in, decisions out; no I/O."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Sequence

from pipeline.notifications.facts import SUCCEEDED, Facts
from pipeline.notifications.history import Told
from pipeline.notifications.settings import Channel, Event, QuietHours

# What narrows (`only`) and what is not repeated each night.
BAD_NEWS = frozenset(
    {
        Event.FAILED,
        Event.DATA_REFUSED,
        Event.NOT_BLESSED,
        Event.DRIFT,
        Event.OVERDUE,
    }
)

_OF_OUTCOME = {
    "STARTED": Event.STARTED,
    SUCCEEDED: Event.SUCCEEDED,
    "DATA_REFUSED": Event.DATA_REFUSED,
    "NOT_BLESSED": Event.NOT_BLESSED,
    "OVERDUE": Event.OVERDUE,
}


@dataclasses.dataclass(frozen=True)
class Decision:
    """What to do for one channel."""

    send: bool
    why: str
    not_before: float | None = None
    """Quiet hours end then (seconds since 1970)."""


def events_of(
    facts: Facts, failures: Sequence[Told], pushed_before: str | None
) -> tuple[Event, ...]:
    """What there is to tell of a run, the weightiest last.

    Args:
      facts: how it ended.
      failures: the failed runs right before it, newest first.
      pushed_before: what the last success had pushed; a cached push is no news.
    """
    events = [_OF_OUTCOME.get(facts.outcome, Event.FAILED)]
    if facts.drifted:
        events.append(Event.DRIFT)
    if facts.succeeded and facts.pushed and facts.pushed != pushed_before:
        events.append(Event.PUSHED)
    if facts.succeeded and failures:
        events.append(Event.RECOVERED)
    return tuple(events)


def repeats(facts: Facts, failures: Sequence[Told]) -> int:
    """How many runs in a row, this one included, failed in this very way."""
    count = 1
    for told in failures:
        if told.signature != facts.signature:
            break
        count += 1
    return count


def decide(
    name: str,
    channel: Channel,
    facts: Facts,
    events: Sequence[Event],
    failures: Sequence[Told],
    now: datetime.datetime,
) -> Decision:
    """Whether that channel is told, and not before when.

    Args:
      name: the channel's.
      channel: its wishes.
      facts: how the run ended.
      events: of events_of.
      failures: the failed runs right before it, newest first.
      now: with its time zone.
    """
    wanted = [event for event in events if event in channel.events]
    if not wanted:
        return Decision(False, "it wants none of these events")
    if wanted == [Event.RECOVERED] and not any(name in t.channels for t in failures):
        return Decision(False, "it never heard of the failure")
    if BAD_NEWS.issuperset(wanted):
        if not _concerns(channel, facts):
            return Decision(False, "its conditions do not hold")
        count = repeats(facts, failures)
        if not facts.succeeded and count > 1 and count % channel.repeat_every:
            return Decision(False, f"the same failure for the {ordinal(count)} time")
    end = end_of_quiet(channel.quiet, now) if channel.quiet else None
    return Decision(True, "", end.timestamp() if end else None)


def end_of_quiet(quiet: QuietHours, now: datetime.datetime) -> datetime.datetime | None:
    """When the quiet hours that `now` lies in are over; None outside of them.

    Wall-clock time of the zone: a night with a change of the clocks is an hour shorter
    or longer, as people sleep it. An end that a change skips is the moment of the
    change.
    """
    zone = zoneinfo.ZoneInfo(quiet.zone)
    local = now.astimezone(zone)
    across = quiet.start > quiet.end
    time = local.time().replace(tzinfo=None)
    inside = (
        time >= quiet.start or time < quiet.end
        if across
        else quiet.start <= time < quiet.end
    )
    if not inside:
        return None
    ends_tomorrow = across and time >= quiet.start
    day = local.date() + datetime.timedelta(days=1 if ends_tomorrow else 0)
    end = datetime.datetime.combine(day, quiet.end, zone)
    # Through UTC: it turns a time that does not exist into the one that does.
    return end.astimezone(datetime.UTC).astimezone(zone)


def ordinal(number: int) -> str:
    """2 -> '2nd'."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _concerns(channel: Channel, facts: Facts) -> bool:
    only = channel.only
    nodes = {facts.node} | ({"SchemaValidator"} if facts.drifted else set())
    if only.components and nodes.isdisjoint(only.components):
        return False
    return not only.slices or bool(facts.failed_slices & set(only.slices))
