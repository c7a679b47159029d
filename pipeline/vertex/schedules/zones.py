"""Names of time zones, and what somebody may have meant who wrote another."""

from __future__ import annotations

import difflib
import re
import zoneinfo

_ZONES = "Expected a city's zone, such as Europe/Berlin, or UTC"
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?")
# What people write for a place's clock. Letters that several countries use (IST, BST,
# CST of China) are not here: a guess would be hours off.
_ABBREVIATIONS = {
    **dict.fromkeys(("PST", "PDT", "PT", "PST8"), "America/Los_Angeles"),
    **dict.fromkeys(("MDT", "MT"), "America/Denver"),
    **dict.fromkeys(("CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("EDT", "ET"), "America/New_York"),
    "CEST": "Europe/Berlin",
    "JST": "Asia/Tokyo",
    "AEST": "Australia/Sydney",
    "AEDT": "Australia/Sydney",
    "Z": "UTC",
}


def problems(zone: str) -> list[str]:
    """One line with a hint, if there is no zone of that name; else none."""
    if zone in zoneinfo.available_timezones():
        return []
    return [f"timezone: there is no zone '{zone}'. {_hint(zone)}"]


def _hint(zone: str) -> str:
    """A zone that means the same, or how zones are written; never one hours off."""
    asked = zone.upper().replace(" ", "")
    if offset := _OFFSET.fullmatch(asked):
        return _of_offset(*offset.groups())
    if asked in _ABBREVIATIONS:
        return f"Did you mean '{_ABBREVIATIONS[asked]}'?"
    text = zone.lower().replace(" ", "_")
    known = {name.lower(): name for name in zoneinfo.available_timezones()}
    # Those of Etc/ and those without a city look alike, and mean other hours.
    places = {
        key: name
        for key, name in sorted(known.items())
        if "/" in key and not key.startswith("etc/")
    }
    cities = {key.rpartition("/")[2]: name for key, name in places.items()}
    names = places if "/" in text else cities
    close = difflib.get_close_matches(text, names, n=1, cutoff=0.75)
    found = known.get(text) or names.get(text) or (close and names[close[0]])
    return f"Did you mean '{found}'?" if found else _ZONES


def _of_offset(sign: str, hours: str, minutes: str | None) -> str:
    """IANA has whole hours alone, and its sign is that of POSIX: west is +."""
    east = int(f"{sign}{hours}")
    name = f"Etc/GMT{-east:+d}" if east else "Etc/UTC"
    if int(minutes or 0) or name not in zoneinfo.available_timezones():
        return _ZONES
    if not east:
        return f"Did you mean '{name}'?"
    return f"{_ZONES}. For UTC{east:+d} all year: '{name}', whose sign is reversed"
