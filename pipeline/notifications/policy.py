"""Who wants to hear of this run, now? Facts and history in, decisions out; no I/O."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Sequence

from pipeline.config.notifications import Channel, Event, QuietHours
from pipeline.nodes import SCHEMA_VALIDATOR
from pipeline.notifications.history import Told, repeats
from pipeline.runs.facts import SUCCEEDED, RunFacts

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
    "OVERRIDDEN": Event.OVERRIDDEN,
    "OVERDUE": Event.OVERDUE,
}


@dataclasses.dataclass(frozen=True)
class Decision:
    """What to do for one channel."""

    send: bool
    why: str
    not_before: float | None = None
    """Quiet hours end then (seconds since 1970)."""


def events_of(facts: RunFacts, previous: Told | None) -> tuple[Event, ...]:
    """What there is to tell of a run, the weightiest last.

    Args:
      facts: how it ended.
      previous: the run before it.
    """
    events = [_OF_OUTCOME.get(facts.outcome, Event.FAILED)]
    if facts.drifted:
        events.append(Event.DRIFT)
    if facts.succeeded and facts.pushed and not _is_old(facts.pushed, previous):
        events.append(Event.PUSHED)
    if facts.succeeded and previous and previous.failures:
        events.append(Event.RECOVERED)
    return tuple(events)


def decide(
    name: str,
    channel: Channel,
    facts: RunFacts,
    events: Sequence[Event],
    previous: Told | None,
    now: datetime.datetime,
) -> Decision:
    """Whether that channel is told, and not before when.

    Args:
      name: the channel's.
      channel: its wishes.
      facts: how the run ended.
      events: of events_of.
      previous: the run before it.
      now: with its time zone.
    """
    if facts.partial and channel.kind not in ("log", "file"):
        return Decision(False, "a run of a part of the graph is not reported")
    wanted = {event for event in events if event in channel.events}
    if not wanted:
        return Decision(False, "it subscribes to none of these events")
    if previous is None or name not in previous.heard:
        wanted -= {Event.RECOVERED}
        if not wanted:
            return Decision(False, "it was not notified of the failure")
    if not _concerns(channel, facts):
        wanted -= BAD_NEWS
        if not wanted:
            return Decision(False, "its conditions do not hold")
    count = repeats(facts, previous)
    if not facts.succeeded and count > 1 and count % channel.repeat_every:
        return Decision(False, f"the same failure for the {ordinal(count)} time")
    end = end_of_quiet(channel.quiet, now) if channel.quiet else None
    return Decision(True, "", end.timestamp() if end else None)


def _is_old(pushed: str, previous: Told | None) -> bool:
    """Whether a cached push was told already."""
    return previous is not None and previous.pushed == pushed


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
    if end <= now:  # that time comes twice this night, and it is the second one
        end = end.replace(fold=1)
    return _existing(end, zone)


def _existing(time: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """The time; where a change of the clocks skips it, the moment of the change."""
    there = time.astimezone(datetime.UTC).astimezone(zone)
    if there.replace(tzinfo=None) == time.replace(tzinfo=None):
        return time
    minute = datetime.timedelta(minutes=1)
    moment = time.replace(fold=1).astimezone(datetime.UTC)
    before = moment.astimezone(zone).utcoffset()
    while moment.astimezone(zone).utcoffset() == before:
        moment += minute
    return moment.astimezone(zone)


def ordinal(number: int) -> str:
    """2 -> '2nd'."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _concerns(channel: Channel, facts: RunFacts) -> bool:
    only = channel.only
    nodes = {facts.node} | ({SCHEMA_VALIDATOR} if facts.drifted else set())
    if only.components and nodes.isdisjoint(only.components):
        return False
    return not only.slices or facts.concerns(only.slices)
