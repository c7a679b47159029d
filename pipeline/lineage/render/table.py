"""Plain values as aligned lines and tables, for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.lineage.answers import Answer

_SHOWN = 60
_WIDEST = 160
# Hundreds of values that JSON has; a table would bury the rest.
_LONG = ("config",)


def text(answer: Answer) -> str:
    """Every value of the answer; what is empty is left out."""
    lines = [f"note: {plain(note)}" for note in answer.notes]
    return "\n".join([*lines, *_mapping(answer.value, "")]) or "nothing"


def plain(value: Any) -> str:
    """On one line, without anything that a terminal obeys."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    words = "" if value is None else str(value)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)


def _mapping(value: Mapping[str, Any], indent: str) -> list[str]:
    scalars = {k: v for k, v in value.items() if not isinstance(v, dict | list)}
    shown = {k: v for k, v in scalars.items() if v not in (None, "")}
    width = max((len(key) for key in shown), default=0)
    lines = [f"{indent}{_name(k):<{width}}  {plain(v)}" for k, v in shown.items()]
    for key, child in value.items():
        if key in scalars or not child:
            continue
        lines += ["", f"{indent}{_name(key)}"]
        if key in _LONG and not indent:
            lines[-2:] = [f"{_name(key):<{width}}  (--output json has it)"]
        elif isinstance(child, dict):
            lines += _mapping(child, indent + "  ")
        else:
            lines += _list(child, indent + "  ")
    return lines


def _list(values: list[Any], indent: str) -> list[str]:
    if len(values) == 1 and isinstance(values[0], dict):
        lines = _mapping(values[0], indent)
    elif all(isinstance(value, dict) for value in values):
        lines = _table(values[:_SHOWN], indent)
    else:
        lines = [f"{indent}{plain(value)}" for value in values[:_SHOWN]]
    more = len(values) - _SHOWN
    hint = f"{indent}and {more:,} more; --output json has them all"
    return [*lines, hint] if more > 0 else lines


def _table(rows: list[dict[str, object]], indent: str) -> list[str]:
    columns = [
        column
        for column in dict.fromkeys(key for row in rows for key in row)
        if any(row.get(column) not in (None, "", [], {}) for row in rows)
    ]
    cells = [[_name(column) for column in columns]]
    cells += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return [indent + "  ".join(_padded(line, widths)).rstrip() for line in cells]


def _padded(line: list[str], widths: list[int]) -> Iterable[str]:
    return (cell.ljust(width) for cell, width in zip(line, widths, strict=True))


def _cell(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = ", ".join(map(_short, value))
    words = "" if value in ([], {}) else plain(value)
    return words if len(words) <= _WIDEST else words[: _WIDEST - 3] + "..."


def _short(row: Mapping[str, object]) -> str:
    """A push by its version, and that it was refused: no form may leave that out."""
    words = str(row.get("version") or row)
    return f"{words} (overridden {row['overridden']})" if "overridden" in row else words


def _name(key: str) -> str:
    return plain(key).replace("_", " ")
