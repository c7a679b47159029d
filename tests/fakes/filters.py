"""Filters and orders of list requests: the part of AIP-160 that Vertex documents."""

from __future__ import annotations

import operator
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes import server

# field -> (its value of a resource, the comparisons that are documented for it)
Fields = Mapping[str, tuple[Callable[[Any], Any], frozenset[str]]]

EQUALITY = frozenset({"=", "!="})
WILDCARD = EQUALITY | {":"}
ORDERED = EQUALITY | {"<", ">", "<=", ">="}

_TERM = re.compile(r'\s*([\w.\-]+)\s*(<=|>=|!=|=|<|>|:)\s*"?([^"]*?)"?\s*')
_COMPARISONS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def matching(text: str, fields: Fields) -> Callable[[Any], bool]:
    """A predicate of the filter; OR binds tighter than AND, as AIP-160 has it."""
    if not text.strip():
        return lambda resource: True
    groups = [
        [_term(term, fields) for term in re.split(r"\sOR\s", group)]
        for group in re.split(r"\sAND\s", text)
    ]
    return lambda resource: all(any(t(resource) for t in group) for group in groups)


def _term(text: str, fields: Fields) -> Callable[[Any], bool]:
    found = _TERM.fullmatch(text)
    if not found:
        server.refuse("INVALID_ARGUMENT", f"Invalid filter expression: {text}")
        raise AssertionError
    name, comparison, wanted = found.groups()
    key = name.split(".")[0] if name.startswith("labels.") else name
    value, allowed = fields.get(key, (None, frozenset()))
    if value is None or comparison not in allowed:
        server.refuse(
            "INVALID_ARGUMENT", f"Unsupported filter: {name} with {comparison}"
        )
    if key == "labels":
        label = name.partition(".")[2]
        return lambda resource: value(resource).get(label) == wanted
    if comparison == ":":
        pattern = re.compile(".*".join(map(re.escape, wanted.split("*"))))
        return lambda resource: bool(pattern.fullmatch(value(resource)))
    return lambda resource: _COMPARISONS[comparison](value(resource), wanted)


def ordered(items: list[Any], order_by: str, fields: Mapping[str, Any]) -> list[Any]:
    """The items in the order that was asked for, `create_time desc` when none was."""
    for part in reversed((order_by or "create_time desc").split(",")):
        name, _, direction = part.strip().partition(" ")
        if name not in fields or direction not in ("", "asc", "desc"):
            server.refuse("INVALID_ARGUMENT", f"Invalid order_by: {part}")
        items = sorted(items, key=fields[name], reverse=direction == "desc")
    return items


def page(items: list[Any], request: Any, usual: int = 100) -> tuple[list[Any], str]:
    """The page that a List request asks for, and the token of the next.

    A token is for the same question: parent, filter and order (AIP-158).
    """
    asked = "|".join(
        str(getattr(request, name, "")) for name in ("parent", "filter", "order_by")
    )
    mark = f"{zlib.crc32(asked.encode()):x}"
    start, _, of = (request.page_token or f"0-{mark}").partition("-")
    if of != mark or not start.isdigit():
        server.refuse(
            "INVALID_ARGUMENT", "page_token: not one of a list with these parameters"
        )
    if request.page_size < 0:
        server.refuse("INVALID_ARGUMENT", "page_size must not be negative")
    end = int(start) + (request.page_size or usual)
    return items[int(start) : end], f"{end}-{mark}" if end < len(items) else ""
