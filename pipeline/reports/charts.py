"""Pictures as SVG: no script, colors from the page, a title for who cannot see them.

Every text goes through Markup.format, which escapes it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from pipeline.reports import distributions, numbers
from pipeline.reports.evaluations import Measure
from pipeline.reports.statistics import Column

Point = Sequence[float]

_WIDTH, _HEIGHT = 340, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 38


@dataclasses.dataclass(frozen=True)
class Axis:
    """What lies along one side."""

    name: str
    low: float
    high: float

    def ticks(self) -> list[float]:
        """A few round values."""
        step = _round_step((self.high - self.low) / 4)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def place(self, value: float, start: float, end: float) -> float:
        """Where a value lies between two ends."""
        width = (self.high - self.low) or 1
        return round(start + (value - self.low) / width * (end - start), 1)


@dataclasses.dataclass(frozen=True)
class Series:
    """One line; `look` is a class of the page's style."""

    look: str
    points: Sequence[Point]
    dots: bool = False
    whiskers: Sequence[tuple[float, float]] = ()
    """Low and high at each point."""


def lines(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    diagonal: bool = False,
    mark: float | None = None,
) -> Markup:
    """A chart of lines.

    Args:
      title: read aloud, and shown under the pointer.
      x: axis along the bottom.
      y: axis along the left.
      series: the lines.
      diagonal: a thin line from corner to corner.
      mark: where on x a thin upright line is.
    """
    parts = [*_frame(x, y)]
    if diagonal:
        corners = [(x.low, y.low), (x.high, y.high)]
        parts.append(_path(corners, x, y, "guide"))
    if mark is not None:
        parts.append(_path([(mark, y.low), (mark, y.high)], x, y, "guide"))
    for each in series:
        parts += _series(each, x, y)
    return _svg(_WIDTH, _HEIGHT, "chart", title, parts)


def scores(counts: Mapping[str, Sequence[int]]) -> Markup:
    """Which share of a class got which score; a class is a look."""
    shares = {
        look: [value / (sum(values) or 1) for value in values]
        for look, values in counts.items()
    }
    highest = max((share for values in shares.values() for share in values), default=0)
    x, y = Axis("predicted probability", 0, 1), Axis("share", 0, highest or 1)
    parts = [*_frame(x, y)]
    for look, values in shares.items():
        steps = _steps([(n / len(values), v) for n, v in enumerate(values)], 1.0)
        parts.append(_path(steps, x, y, f"line {look}"))
    return _svg(_WIDTH, _HEIGHT, "chart", "Rows by predicted probability", parts)


def interval(measure: Measure, axis: Axis) -> Markup:
    """The value with its interval, the bounds as upright lines, the baseline hollow."""
    width, middle = 220, 11
    at = _clipped(axis, width)
    parts = [_line(4, middle, width - 4, middle, "rail")]
    for bound in measure.bounds:
        place = at(bound.value)
        side = -4 if bound.is_floor else 4
        parts.append(_line(place, 2, place, 20, "bound"))
        parts.append(_line(place, 2, place + side, 2, "bound"))
        parts.append(_line(place, 20, place + side, 20, "bound"))
    if measure.interval:
        low, high = map(at, measure.interval)
        parts.append(_line(low, middle, high, middle, "whisker"))
    if measure.baseline is not None:
        parts.append(_circle(at(measure.baseline), middle, 4, "hollow"))
    if _is_number(measure.value):
        look = "dot bad" if measure.passed is False else "dot"
        parts.append(_circle(at(measure.value), middle, 4, look))
    ends = f", 95 % interval {numbers.span(measure.interval)}"
    title = f"{measure.metric} {numbers.metric(measure.value)}"
    title += (ends if measure.interval else "") + (
        f", needs {measure.needs}" if measure.bounds else ""
    )
    return _svg(width, 22, "interval", title, parts)


def axis_of(measures: Sequence[Measure]) -> Axis:
    """Wide enough for every value, interval, bound and baseline."""
    known = [
        value
        for measure in measures
        for value in (
            measure.value,
            measure.baseline,
            *(measure.interval or ()),
            *(bound.value for bound in measure.bounds),
        )
        if _is_number(value)
    ]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    margin = (high - low) * 0.06 or 0.05
    # A share's axis does not go where no share is.
    least, most = max(low - margin, min(low, 0)), high + margin
    return Axis("", least, min(most, 1.0) if high <= 1 else most)


def bar(value: float, most: float, title: str, mark: float | None = None) -> Markup:
    """A bar of that share of the whole width; `mark` is where another one ends."""
    width = 160
    at = Axis("", 0, most or 1)
    parts = [
        Markup('<rect class="fill" x="0" y="3" width="{}" height="10" rx="2"/>').format(
            max(1.0, at.place(max(0.0, value), 0, width))
        )
    ]
    if mark is not None:
        place = min(width - 1, at.place(mark, 0, width))
        parts.append(_line(place, 0, place, 16, "bound"))
    return _svg(width, 16, "bar", title, parts)


def distribution(splits: Mapping[str, Column]) -> Markup:
    """One column in every split: the first filled, the others as lines over it."""
    columns = {name: column for name, column in splits.items() if column.present}
    if not columns:
        return Markup("")
    title = f"{next(iter(columns.values())).name} in {', '.join(columns)}"
    if {column.is_number for column in columns.values()} != {True}:
        return _outlines(title, _words(columns))
    found = distributions.of(list(columns.values()))
    if found is None:
        return Markup("")
    ends = [numbers.quantity(end) for end in found.ends]
    cut = "without the lowest and highest 1 %, " if found.cut else ""
    return _outlines(
        f"{title}, {cut}{ends[0]} to {ends[1]}",
        [_stairs(shares, 1.0) for shares in found.shares],
        [_text(1, 45, ends[0], ""), _text(149, 45, ends[1], "end")],
    )


def _outlines(
    title: str, shapes: Sequence[Sequence[Point]], more: Sequence[Markup] = ()
) -> Markup:
    """The first filled, the others as lines over it; three at most."""
    highest = max((height for points in shapes for _, height in points), default=0)
    x, y = Axis("", 0, 1), Axis("", 0, highest or 1)
    parts = [
        _outline(points, x, y, f"split{number}")
        for number, points in enumerate(shapes[:3])
    ]
    return _svg(150, 48 if more else 36, "spark", title, [*parts, *more])


def _stairs(shares: Sequence[float], end: float) -> list[Point]:
    """Bars from the left side to `end` of the whole width, from the ground."""
    starts = [(end * n / len(shares), share) for n, share in enumerate(shares)]
    return [(0, 0), *_steps(starts, end), (end, 0)]


_SHOWN_WORDS = 10


def _words(columns: Mapping[str, Column]) -> list[list[Point]]:
    """A bar for each of the most frequent values of the first split."""
    first = next(iter(columns.values()))
    shown = list(first.values)[:_SHOWN_WORDS]
    shapes = []
    for column in columns.values():
        total = sum(column.values.values()) or 1
        shares = [column.values.get(word, 0) / total for word in shown]
        shapes.append(_stairs(shares, len(shown) / _SHOWN_WORDS))
    return shapes


def _steps(starts: Sequence[Point], end: float) -> list[Point]:
    """(x, height) of each step's start -> the corners of the stairs."""
    ends = [x for x, _ in starts[1:]] + [end]
    return [
        corner
        for (x, height), stop in zip(starts, ends, strict=True)
        for corner in ((x, height), (stop, height))
    ]


def _outline(points: Sequence[Point], x: Axis, y: Axis, look: str) -> Markup:
    places = " ".join(f"{x.place(a, 1, 149)},{y.place(b, 35, 2)}" for a, b in points)
    return Markup('<polyline class="{}" points="{}"/>').format(look, places)


def _frame(x: Axis, y: Axis) -> Iterator[Markup]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in y.ticks():
        place = y.place(tick, bottom, _TOP)
        yield _line(_LEFT, place, right, place, "grid")
        yield _text(_LEFT - 6, place + 3.5, _tick(tick), "end")
    for tick in x.ticks():
        yield _text(x.place(tick, _LEFT, right), bottom + 15, _tick(tick), "middle")
    yield _line(_LEFT, bottom, right, bottom, "axis")
    yield _text((_LEFT + right) / 2, _HEIGHT - 6, x.name, "middle")
    yield Markup(
        '<text x="-{}" y="11" transform="rotate(-90)" class="middle">{}</text>'
    ).format((_TOP + bottom) / 2, y.name)


def _series(series: Series, x: Axis, y: Axis) -> Iterator[Markup]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for (place, _), (low, high) in zip(series.points, series.whiskers, strict=False):
        across = x.place(place, _LEFT, right)
        ends = (y.place(end, bottom, _TOP) for end in (low, high))
        yield _line(across, next(ends), across, next(ends), f"whisker {series.look}")
    yield _path(series.points, x, y, f"line {series.look}")
    if series.dots:
        for a, b in series.points:
            places = x.place(a, _LEFT, right), y.place(b, bottom, _TOP)
            yield _circle(*places, 2.6, f"dot {series.look}")


def _path(points: Sequence[Point], x: Axis, y: Axis, look: str) -> Markup:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    places = " ".join(
        f"{x.place(a, _LEFT, right)},{y.place(b, bottom, _TOP)}" for a, b in points
    )
    return Markup('<polyline class="{}" points="{}"/>').format(look, places)


def _clipped(axis: Axis, width: float):  # noqa: ANN202 (a function of one place)
    return lambda value: min(width - 5, max(5, axis.place(value, 5, width - 5)))


def _line(x1: float, y1: float, x2: float, y2: float, look: str) -> Markup:
    text = '<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>'
    return Markup(text).format(look, x1, y1, x2, y2)


def _circle(x: float, y: float, radius: float, look: str) -> Markup:
    text = '<circle class="{}" cx="{}" cy="{}" r="{}"/>'
    return Markup(text).format(look, x, y, radius)


def _text(x: float, y: float, words: str, look: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(look, x, y, words)


def _svg(
    width: float, height: float, look: str, title: str, parts: Sequence[Markup]
) -> Markup:
    text = (
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "<title>{}</title>{}</svg>"
    )
    inside = Markup("").join(parts)
    return Markup(text).format(look, width, height, title, title, inside)


def _round_step(step: float) -> float:
    """1, 2 or 5 times a power of ten, not smaller."""
    power = 10 ** math.floor(math.log10(step or 1))
    return next((m * power for m in (1, 2, 5) if m * power >= step * 0.999), 10 * power)


def _tick(value: float) -> str:
    return f"{round(value, 10):,g}"


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
