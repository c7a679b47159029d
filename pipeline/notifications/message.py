"""The words of a notification: facts in; subject, text and HTML out; no I/O."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import unicodedata
from collections.abc import Iterator, Sequence

import jinja2

from pipeline.config.notifications import Event
from pipeline.notifications.history import Told, repeats
from pipeline.notifications.policy import ordinal
from pipeline.runs.facts import RunFacts
from pipeline.runs.verdict import Check

MAX_SUBJECT = 120
MAX_LINE = 300
MAX_LINES = 12
SHOWN_METRICS = ("auc", "accuracy", "precision", "recall", "calibration")

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("pipeline.notifications"),
    autoescape=jinja2.select_autoescape(["html"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclasses.dataclass(frozen=True)
class Message:
    """The same words for every channel."""

    subject: str
    """One line of at most 120 characters."""

    text: str
    html: str


def compose(
    facts: RunFacts, events: Sequence[str] = (), previous: Told | None = None
) -> Message:
    """Says what happened at a glance, then what ran, why, and what to do.

    Args:
      facts: how the run ended.
      events: of policy.events_of.
      previous: the run before it.
    """
    headline = _headline(facts, events, previous)
    sections = [
        (title, body)
        for title, lines in _sections(facts, headline)
        if (body := "\n".join(_clipped(lines)))
    ]
    values = {"headline": headline, "sections": sections}
    return Message(
        subject=_short(_one_line(f"[{facts.pipeline}] {headline}"), MAX_SUBJECT),
        text=_TEMPLATES.get_template("message.txt").render(values),
        html=_TEMPLATES.get_template("message.html").render(values),
    )


def _headline(facts: RunFacts, events: Sequence[str], previous: Told | None) -> str:
    where = f" at {facts.node}" if facts.node else ""
    what = f"{facts.outcome}{where}"
    if facts.succeeded:
        news = []
        if Event.RECOVERED in events and previous:
            plural = "" if previous.failures == 1 else "s"
            news.append(f"recovered after {previous.failures} failure{plural}")
        if Event.PUSHED in events:
            version = str(facts.pushed).rstrip("/").rsplit("/", 1)[-1]
            news.append(f"pushed version {version}")
        if Event.DRIFT in events:
            news.append("the data drifts")
        return _one_line(": ".join([what, *([", ".join(news)] if news else [])]))
    count = repeats(facts, previous)
    again = f" ({ordinal(count)} time in a row)" if count > 1 else ""
    reason = _first_words(facts.reasons)
    return _one_line(f"{what}{again}{': ' if reason else ''}{reason}")


def _sections(facts: RunFacts, headline: str) -> Iterator[tuple[str, list[str]]]:
    yield (
        "What ran",
        _table(
            ("pipeline", facts.pipeline),
            ("run", facts.run_id),
            ("data", facts.data),
            ("code", facts.code),
            ("time", _time(facts)),
        ),
    )
    happened = [line for reason in facts.reasons for line in reason.splitlines()]
    if [_one_line(line) for line in happened] != [headline.partition(": ")[2]]:
        yield "What happened", happened
    yield "What drifted", list(facts.drifted)
    yield "What decided", _numbers(facts)
    yield "What was not judged", list(facts.not_judged)
    yield "What was pushed", [facts.pushed] if facts.pushed else []
    yield (
        "What to do",
        [line for line in (facts.next, facts.report or facts.log) if line],
    )


def _numbers(facts: RunFacts) -> list[str]:
    failed = [check for check in facts.checks if not check.passed]
    if failed:
        return _table(*(_row(check) for check in failed))
    shown = [name for name in SHOWN_METRICS if name in facts.metrics]
    passed = f", {len(facts.checks)} checks passed" if facts.checks else ""
    values = ", ".join(f"{name} {facts.metrics[name]:.4f}" for name in shown)
    return [values + passed] if values else []


def _row(check: Check) -> tuple[str, ...]:
    return (
        check.metric,
        check.slice,
        _number(check.candidate),
        f"needs {check.bound}",
        f"baseline {_number(check.baseline)}" if check.baseline is not None else "",
    )


def _number(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.4f}"


def _table(*rows: tuple[str, ...]) -> list[str]:
    """Rows in columns; those with nothing after their name are left out."""
    rows = tuple(tuple(map(_one_line, row)) for row in rows if any(row[1:]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _time(facts: RunFacts) -> str:
    if facts.started is None:
        return ""
    start = datetime.datetime.fromtimestamp(facts.started, datetime.UTC)
    took = f", {facts.ended - facts.started:.0f} s" if facts.ended else ""
    return f"{start:%Y-%m-%d %H:%M:%S} UTC{took}"


def _first_words(reasons: Sequence[str]) -> str:
    """The first line; with the next, where that is what it announces."""
    lines = (line.strip() for reason in reasons for line in reason.splitlines())
    first, second, *_ = [*itertools.islice(filter(None, lines), 2), "", ""]
    return f"{first} {second}" if first.endswith(":") else first


def _clipped(lines: Sequence[str]) -> list[str]:
    shown = [_short(_clean(line).rstrip(), MAX_LINE) for line in lines[:MAX_LINES]]
    more = len(lines) - MAX_LINES
    return [*shown, f"... {more} more lines in the log"] if more > 0 else shown


def _one_line(text: str) -> str:
    return _short(" ".join(_clean(text).split()), MAX_LINE)


def _clean(text: str) -> str:
    """Without what steers a terminal, a header or the direction of reading."""
    return "".join(
        character if unicodedata.category(character) not in _STEERING else " "
        for character in text[: 2 * MAX_LINE]
    )


# Control, format (bidirectional overrides), surrogate; line and paragraph separators.
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
