"""What a schedule will do, in words, before anything is made."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Iterator

from pipeline.errors import ConfigError
from pipeline.vertex.schedules.cron import Fire
from pipeline.vertex.schedules.definition import Schedule

_SHOWN = 5


def lines(
    wanted: Schedule,
    now: datetime.datetime,
    usual: datetime.timedelta | None = None,
    started: int = 0,
) -> list[str]:
    """The schedule in words, its next five runs, and what to be warned of.

    Args:
      wanted: the schedule.
      now: from when on.
      usual: how long a run takes, if that is known.
      started: runs that it has started already.

    Raises:
      ConfigError: it would never run.
    """
    shown = [wanted.when.words]
    coming = upcoming(wanted, now, started)
    if not coming:
        raise ConfigError(f"{wanted.name}: would never run: {_why_not(wanted, now)}")
    shown += [f"  {fire}" for fire in coming]
    if len(coming) < _SHOWN:
        shown.append("  and no more: the schedule is completed then")
    shown.append(_limit(wanted))
    warnings = [*_clock_warnings(coming), *overlap_warnings(wanted, now, usual)]
    return [
        *shown,
        *(f"note: {note}" for note in wanted.when.notes),
        *(f"warning: {warning}" for warning in warnings),
    ]


def _limit(wanted: Schedule) -> str:
    meanwhile = "waits" if wanted.allow_queueing else "is left out"
    return (
        f"at most {wanted.max_concurrent} under way; a run that is due meanwhile "
        f"{meanwhile}"
    )


def upcoming(wanted: Schedule, now: datetime.datetime, started: int = 0) -> list[Fire]:
    """The next five times, fewer if it ends before."""
    start, end = wanted.moment("start"), wanted.moment("end")
    after = max(now, start - datetime.timedelta(seconds=1)) if start else now
    left = _SHOWN if wanted.max_runs is None else wanted.max_runs - started
    fires = itertools.takewhile(
        lambda fire: end is None or fire.utc <= end, wanted.when.fires(after)
    )
    return [*itertools.islice(fires, max(0, min(left, _SHOWN)))]


def overlap_warnings(
    wanted: Schedule, now: datetime.datetime, usual: datetime.timedelta | None
) -> Iterator[str]:
    """Whether it starts a run while the one before is under way, in numbers."""
    interval = wanted.when.shortest_interval(now)
    if usual is None or usual <= interval:
        return
    at_once = math.ceil(usual / interval)
    told = (
        f"a run starts every {_length(interval)} and usually takes {_length(usual)}: "
        f"{at_once} at once"
    )
    if at_once <= wanted.max_concurrent:
        yield f"{told}; max_concurrent allows {wanted.max_concurrent}"
    elif wanted.allow_queueing:
        yield (
            f"{told}; max_concurrent allows {wanted.max_concurrent}, so the queue "
            "grows without end. Start less often, or allow more at once"
        )
    else:
        yield (
            f"{told}; max_concurrent allows {wanted.max_concurrent}, so only about one "
            f"of {math.ceil(at_once / wanted.max_concurrent)} runs will start. Start "
            "less often, or allow more at once"
        )


def _clock_warnings(coming: list[Fire]) -> Iterator[str]:
    for fire in coming:
        if not fire.exists:
            yield (
                f"{fire.at:%H:%M} does not exist on {fire.at:%Y-%m-%d}: that run may "
                "be left out. An hour that every day has is safe"
            )
        elif fire.note:
            yield (
                f"{fire.at:%H:%M} comes twice on {fire.at:%Y-%m-%d}: there may be two "
                "runs of that date. An hour that every day has once is safe"
            )


def _why_not(wanted: Schedule, now: datetime.datetime) -> str:
    first = next(wanted.when.fires(wanted.moment("start") or now))
    if wanted.end is None:
        return f"it has had its {wanted.max_runs} runs"
    return f"end {wanted.moment('end')} is before the first run, {first}"


def _length(delta: datetime.timedelta) -> str:
    minutes = round(delta.total_seconds() / 60)
    if minutes < 1:
        return f"{round(delta.total_seconds())} s"
    hours, rest = divmod(minutes, 60)
    return (
        f"{hours} h {rest} min"
        if hours and rest
        else (f"{hours} h" if hours else f"{rest} min")
    )
