"""Every number of a report as it is written, in one place."""

from __future__ import annotations

import datetime
import math

NONE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{NARROW NO-BREAK SPACE}"


def count(value: float | None) -> str:
    """15,002."""
    return NONE if value is None else f"{value:,.0f}"


def more(value: float) -> str:
    """+1,200: a difference of counts."""
    return _signs(f"{value:+,.0f}")


def metric(value: float | None) -> str:
    """0.9565; of a metric or a distance, four places."""
    return NONE if _is_nothing(value) else _signs(f"{value:.4f}")


def change(value: float | None) -> str:
    """+0.0012: a difference, always with its sign."""
    return NONE if _is_nothing(value) else _signs(f"{value:+.4f}")


def span(ends: tuple[float, float] | list[float] | None) -> str:
    """0.9500 to 0.9630: an interval."""
    return NONE if ends is None else f"{metric(ends[0])} to {metric(ends[1])}"


def share(value: float | None) -> str:
    """3.4 %; what is not quite nothing never reads as nothing."""
    if _is_nothing(value):
        return NONE
    assert value is not None
    if 0 < value < 0.0005:
        return f"<{_THIN}0.1{_THIN}%"
    if 0.9995 <= value < 1:
        return f">{_THIN}99.9{_THIN}%"
    percent = f"{value:.1%}".rstrip("%")
    return f"{percent.removesuffix('.0')}{_THIN}%"


def quantity(value: float | None) -> str:
    """A raw value: 11.05, 17,031,010,100, 4.2e-09."""
    if _is_nothing(value):
        return NONE
    assert value is not None
    if value == int(value) and abs(value) < 1e15:
        return _signs(f"{value:,.0f}")
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return _signs(f"{value:.3g}")
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return _signs(f"{value:,.{digits}f}")


def seconds(value: float | None) -> str:
    """0.6 s, 12 s, 3 min 05 s, 2 h 04 min."""
    if _is_nothing(value):
        return NONE
    assert value is not None
    if value < 10:
        return f"{value:.1f}{_THIN}s"
    if round(value) < 60:
        return f"{value:.0f}{_THIN}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{_THIN}min {rest:02d}{_THIN}s"
    return f"{minutes // 60}{_THIN}h {minutes % 60:02d}{_THIN}min"


def money(value: float, currency: str) -> str:
    """USD 1.28; under a cent with four places."""
    return f"{currency} {value:,.2f}" if value >= 0.01 else f"{currency} {value:.4f}"


def moment(value: float | None) -> str:
    """2026-11-25 16:21 UTC."""
    if value is None:
        return NONE
    return f"{datetime.datetime.fromtimestamp(value, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def _is_nothing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _signs(text: str) -> str:
    return text.replace("-", _MINUS)
