"""Which spans of data there are, numbered as TFX does: of a date, days since 1970.

By the names of the files alone, so that a look before a run needs no TFX.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator

from pipeline.errors import DataUnreadable

_SPEC = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)(?::(\d+))?\}")
_WIDTHS = {"YYYY": 4, "MM": 2, "DD": 2}
_GLOB = {"*": "[^/]*", "?": "[^/]"}
_FIRST_DAY = datetime.date(1970, 1, 1)


def glob(pattern: str) -> str:
    """The pattern of the files of every span and version."""
    return _SPEC.sub("*", pattern)


def newest(
    folder: str, names: Iterable[str], pattern: str, first: int, last: int
) -> int:
    """The newest span from `first` to `last` that has a file.

    Args:
      folder: with the data, for words.
      names: of files, relative to it.
      pattern: of the files, with {SPAN}, or with {YYYY}, {MM} and {DD}.
      first: span.
      last: span, included.

    Raises:
      DataUnreadable: there is none.
    """
    spans = {span for span, _, _ in _found(names, pattern)}
    if found := [span for span in spans if first <= span <= last]:
        return max(found)
    seen = f"the oldest there is {_named(min(spans))}" if spans else "there is no span"
    raise DataUnreadable(
        f"{folder}: no data of '{pattern}' up to {_named(last)}; {seen}. "
        "Give a later date, or bring the older data"
    )


def require_one_name_each(folder: str, names: Iterable[str], pattern: str) -> None:
    """Holds that no span and no version is written in two ways.

    Of span-1 and span-01 TFX reads one, and nobody is told which. The arguments are
    those of `newest`.

    Raises:
      DataUnreadable: names two files that stand for the same span and version.
    """
    written: dict[tuple[int, int | None], tuple[str, str]] = {}
    for span, version, (name, text) in _found(names, pattern):
        known, before = written.setdefault((span, version), (name, text))
        if before != text:
            which = f"span {span}" + (f", version {version}" if version else "")
            raise DataUnreadable(
                f"{folder}: {known} and {name} are both {which} of data.pattern "
                f"'{pattern}'. Rename or remove one of them, or give the width, as in "
                "{SPAN:2}"
            )


def _found(
    names: Iterable[str], pattern: str
) -> Iterator[tuple[int, int | None, tuple[str, str]]]:
    """(span, version, (the name, what of it says both)) of each name that matches."""
    regex = re.compile(_regex(pattern))
    for name in sorted(names):
        if not (match := regex.fullmatch(name)):
            continue
        parts = {key: text for key, text in match.groupdict().items() if text}
        try:
            span = _number(parts)
        except (KeyError, ValueError):  # no span in the pattern, no such day
            continue
        version = int(parts["VERSION"]) if "VERSION" in parts else None
        yield span, version, (name, " ".join(parts.values()))


def _regex(pattern: str) -> str:
    found, place = "", 0
    for spec in _SPEC.finditer(pattern):
        name, width = spec[1], spec[2] or _WIDTHS.get(spec[1])
        digits = rf"\d{{{width}}}" if width else r"\d+"
        known = f"(?P<{name}>" in found
        found += _literal(pattern[place : spec.start()])
        found += f"(?P={name})" if known else f"(?P<{name}>{digits})"
        place = spec.end()
    return found + _literal(pattern[place:])


def _literal(text: str) -> str:
    """A glob's text; [...] means the same in both languages."""
    parts = re.split(r"(\[[^]]+\]|[*?])", text)
    return "".join(
        part if part.startswith("[") and part.endswith("]") else _plain(part)
        for part in parts
    )


def _plain(part: str) -> str:
    return _GLOB.get(part, re.escape(part))


def _number(parts: dict[str, str]) -> int:
    if "SPAN" in parts:
        return int(parts["SPAN"])
    day = datetime.date(*(int(parts[name]) for name in ("YYYY", "MM", "DD")))
    return (day - _FIRST_DAY).days


def _named(span: int) -> str:
    try:
        return f"span {span} ({_FIRST_DAY + datetime.timedelta(days=span)})"
    except OverflowError:
        return f"span {span}"
