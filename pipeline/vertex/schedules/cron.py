"""When a schedule fires: a cron expression in a zone, checked, in words, and as times.

The service knows the five fields of Unix and a zone as a prefix, `TZ=Area/City `. What
it does with a time that a change of the clocks leaves out or brings twice is nowhere
documented; such times are marked, and nothing is promised of them.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
import zoneinfo
from collections.abc import Iterator

import cronsim

from pipeline.errors import ConfigError
from pipeline.vertex.schedules import zones

_FIELDS = {
    "minute": ("0-59", r"\d+"),
    "hour": ("0-23", r"\d+"),
    "day of month": ("1-31", r"\d+"),
    "month": ("1-12 or JAN-DEC", r"\d+|[A-Z]{3}"),
    # Seven is Sunday for cronsim, and not for every other cron.
    "day of week": ("0-6 or SUN-SAT", r"[0-6]|[A-Z]{3}"),
}
_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th")
_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PREFIX = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)
_ANY_MOMENT = datetime.datetime(2026, 1, 1)


@dataclasses.dataclass(frozen=True)
class Fire:
    """A time at which a schedule fires."""

    at: datetime.datetime
    """In the schedule's zone; of a time that comes twice, the first."""

    note: str = ""
    """What a change of the clocks does to it."""

    exists: bool = True
    """False: the clocks go forward over it."""

    @property
    def utc(self) -> datetime.datetime:
        """The same moment in UTC."""
        return self.at.astimezone(datetime.UTC)

    def __str__(self) -> str:
        local = f"{self.at:%a %Y-%m-%d %H:%M} "
        if not self.exists:
            return f"{local}! {self.note}"
        if str(self.at.tzinfo) == "UTC":
            return f"{local}UTC"
        note = f"  ! {self.note}" if self.note else ""
        return f"{local}{self.at.tzname():<5} = {self.utc:%Y-%m-%d %H:%M} UTC{note}"


@dataclasses.dataclass(frozen=True)
class Cron:
    """A checked expression; made by `checked`."""

    expression: str
    zone: str

    @property
    def vertex(self) -> str:
        """As the service takes it."""
        return f"TZ={self.zone} {self.expression}"

    @property
    def words(self) -> str:
        """In English, with the zone."""
        simulated = cronsim.CronSim(self.expression, _ANY_MOMENT)
        return f"{simulated.explain()} ({self.zone})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader may take for something else."""
        _, _, days, _, weekdays = self.expression.split()
        if "*" in (days, weekdays):
            return ()
        return (
            (
                f"both day fields are given: it fires on days of the month {days} and "
                f"also on every {weekdays}, not only where they meet"
            ),
        )

    def fires(self, after: datetime.datetime) -> Iterator[Fire]:
        """Every time after the moment, without end."""
        zone = zoneinfo.ZoneInfo(self.zone)
        start = after.astimezone(zone)
        if "*" in self.expression.split()[1]:
            # Of every hour, or every second one: hours that really come.
            yield from map(Fire, cronsim.CronSim(f"0 {self.expression}", start))
        # By the clock's face: cronsim itself would move what a change leaves out.
        face = start.replace(tzinfo=None) - datetime.timedelta(hours=3)
        for each in cronsim.CronSim(self.expression, face):
            fire = _on_the_clock(each, zone)
            if fire.utc > after:
                yield fire

    def dates(self, first: datetime.date, last: datetime.date) -> list[datetime.date]:
        """The days from `first` to `last` on which it fires, in its zone."""
        midnight = datetime.datetime.combine(first, datetime.time())
        start = midnight - datetime.timedelta(seconds=1)
        days = (face.date() for face in cronsim.CronSim(self.expression, start))
        until = itertools.takewhile(lambda day: day <= last, days)
        return [day for day, _ in itertools.groupby(until)]

    def midnight(self, day: datetime.date) -> datetime.datetime:
        """When the day begins in its zone."""
        zone = zoneinfo.ZoneInfo(self.zone)
        return datetime.datetime.combine(day, datetime.time(), zone)

    def date_before(self, moment: datetime.datetime) -> datetime.date:
        """The day of its newest time that is not after the moment, in its zone."""
        face = moment.astimezone(zoneinfo.ZoneInfo(self.zone)).replace(tzinfo=None)
        end = face.replace(microsecond=0) + datetime.timedelta(seconds=1)
        return next(cronsim.CronSim(self.expression, end, reverse=True)).date()

    def shortest_interval(self, after: datetime.datetime) -> datetime.timedelta:
        """The least time between two of the next hundred."""
        times = [fire.utc for fire in itertools.islice(self.fires(after), 101)]
        return min(later - sooner for sooner, later in itertools.pairwise(times))


def checked(expression: str, zone: str | None = None) -> Cron:
    """The expression, if the service will take it.

    Args:
      expression: five fields, with or without the prefix `TZ=Area/City `.
      zone: IANA's name; None means that of the prefix, or UTC.

    Raises:
      ConfigError: every field that is wrong, and what is allowed there.
    """
    prefix = _PREFIX.fullmatch(expression.strip())
    if prefix:
        own, expression = prefix.groups()
        if zone not in (None, own):
            raise ConfigError(f"timezone: {zone}, and TZ={own} in cron; give one")
        zone = own
    fields = expression.split()
    text = " ".join(fields).upper()
    problems = [*_field_problems(fields), *zones.problems(zone or "UTC")]
    problems = problems or _day_problems(fields)
    if not problems and not _ever(text):
        problems = [f"cron: '{text}' never comes: no such day in these months"]
    if problems:
        raise ConfigError("\n".join(problems))
    return Cron(text, zone or "UTC")


def _on_the_clock(face: datetime.datetime, zone: zoneinfo.ZoneInfo) -> Fire:
    first, second = (face.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return Fire(first)
    real = first.astimezone(datetime.UTC).astimezone(zone)
    if real.replace(tzinfo=None) == face:
        return Fire(first, "comes twice: the clocks go back")
    return Fire(first, "does not exist: the clocks go forward", exists=False)


def _field_problems(fields: list[str]) -> list[str]:
    if fields and fields[0].startswith("@"):
        hint = _SHORT.get(fields[0].lower(), "five fields")
        return [f"cron: '{fields[0]}' is not known to Vertex; write '{hint}'"]
    if len(fields) != len(_FIELDS):
        told = "expected 5 fields (minute, hour, day of month, month, day of week)"
        return [f"cron: {told}, got {len(fields)}: '{' '.join(fields)}'"]
    return [
        f"cron: {name} '{text}' (the {_ORDINALS[place]} field): allowed are "
        f"{_FIELDS[name][0]}, *, lists (1,15), ranges (1-5) and steps (*/15)"
        for place, (name, text) in enumerate(zip(_FIELDS, fields, strict=True))
        if not _is_field(place, text.upper())
    ]


def _day_problems(fields: list[str]) -> list[str]:
    """A step in one day field beside another day field: crons do not agree on it.

    Vixie's cron, and so cronsim, takes every field that begins with a star for "any
    day" and wants both fields to hold; robfig/cron, which the service may use, takes
    the star alone and lets either be enough. Two lists of days are read alike by all.
    """
    _, _, days, _, weekdays = fields
    both = days != "*" and weekdays != "*"
    stars = [text for text in (days, weekdays) if "*" in text]
    if not (both and stars):
        return []
    plain = list(fields)
    for place in (2, 4):
        plain[place] = _without_star(place, fields[place])
    what = f"cron: '{' '.join(stars)}' beside another day field"
    written = " ".join(plain)
    if "*" in (plain[2], plain[4]):
        return [f"{what}: it means every day; write '{written}'"]
    return [
        (
            f"{what}: some crons fire where both fields hold, others where either "
            f"does. For either write the days: '{written}'. For both there is no such "
            "expression: make one of the two fields *"
        )
    ]


def _without_star(place: int, text: str) -> str:
    """A day field as a list of its days; '*' for all of them."""
    if "*" not in text:
        return text
    fields = ["0", "0", "*", "*", "*"]
    fields[place] = text.upper()
    simulated = cronsim.CronSim(" ".join(fields), _ANY_MOMENT)
    held = simulated.days if place == 2 else simulated.weekdays
    known = range(1, 32) if place == 2 else range(7)
    days = [str(day) for day in known if day in held]
    return ",".join(days) if len(days) < len(known) else "*"


def _is_field(place: int, text: str) -> bool:
    value = [*_FIELDS.values()][place][1]
    term = rf"(\*|({value})(-({value}))?)(/\d+)?"
    if not re.fullmatch(rf"{term}(,{term})*", text):
        return False
    fields = ["*"] * len(_FIELDS)
    fields[place] = text
    try:
        cronsim.CronSim(" ".join(fields), _ANY_MOMENT)
    except cronsim.CronSimError:
        return False
    return True


def _ever(expression: str) -> bool:
    try:
        next(cronsim.CronSim(expression, _ANY_MOMENT))
    except (cronsim.CronSimError, StopIteration):
        return False
    return True
