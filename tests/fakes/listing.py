"""What Google's List methods share: filters (AIP-160), orders and pages.

page, token = listing.page(request, found, fields)
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.fakes import filters, server

Fields = Callable[[Any, str], Any]
"""(resource, path such as `labels.run`) -> its value; None when it has not got it.

Raises KeyError for a path that the service does not filter on.
"""

Functions = Mapping[str, Callable[[Any, str], bool]]

NO_FUNCTIONS: Functions = types.MappingProxyType({})

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<op><=|>=|!=|=|<|>|:|\(|\))'
    r'|(?P<word>[\w.*+-]+(?:\."[^"]*")?(?:\.[\w*-]+)*))'
)


def page(
    request: Any,
    found: Sequence[Any],
    fields: Fields,
    functions: Functions = NO_FUNCTIONS,
) -> tuple[list[Any], str]:
    """The page that was asked for, and the token of the next ('' after the last)."""
    kept = list(found)
    if getattr(request, "filter", ""):
        holds = _Filter(request.filter, fields, functions).holds
        kept = [resource for resource in kept if holds(resource)]
    kept = _ordered(kept, getattr(request, "order_by", ""), fields)
    if not 0 <= request.page_size <= 1000:
        size = request.page_size
        server.refuse("INVALID_ARGUMENT", f"page_size: {size} is not in [1, 1000]")
    return filters.page(kept, request)


def _ordered(found: list[Any], order: str, fields: Fields) -> list[Any]:
    for key in reversed([part.split() for part in order.split(",") if part.strip()]):
        if len(key) > 2 or key[1:] not in ([], ["desc"], ["asc"]):
            server.refuse("INVALID_ARGUMENT", f"order_by: cannot parse '{order}'")
        try:
            found = sorted(
                found,
                key=lambda each: fields(each, key[0]),
                reverse=key[1:] == ["desc"],
            )
        except KeyError:
            server.refuse("INVALID_ARGUMENT", f"order_by: unknown field '{key[0]}'")
    return found


class _Filter:
    """A filter, parsed at each use: they are short."""

    def __init__(self, text: str, fields: Fields, functions: Functions) -> None:
        self._tokens = _tokens(text)
        self._text, self._fields, self._functions = text, fields, functions

    def holds(self, resource: Any) -> bool:
        """Whether the resource is one that it lets through."""
        self._rest, self._resource = list(self._tokens), resource
        verdict = self._any()
        if self._rest:
            self._fail()
        return verdict

    def _any(self) -> bool:
        verdicts = [self._all()]
        while self._take("OR"):
            verdicts.append(self._all())
        return any(verdicts)

    def _all(self) -> bool:
        verdicts = [self._one()]
        while self._take("AND"):
            verdicts.append(self._one())
        return all(verdicts)

    def _one(self) -> bool:
        if self._take("NOT"):
            return not self._one()
        if self._take("("):
            verdict = self._any()
            self._expect(")")
            return verdict
        path = self._next()
        if path in self._functions and self._take("("):
            argument = self._next().strip('"')
            self._expect(")")
            return self._functions[path](self._resource, argument)
        return self._compared(path, self._next(), self._next())

    def _compared(self, path: str, operator: str, wanted: str) -> bool:
        try:
            seen = self._fields(self._resource, path.replace('"', ""))
        except KeyError:
            server.refuse("INVALID_ARGUMENT", f"filter: unknown field '{path}'")
        wanted = wanted.strip('"')
        if operator == ":":
            found = seen is not None
            return found and (wanted == "*" or wanted in seen or str(seen) == wanted)
        if seen is None:
            return operator == "!="
        if isinstance(seen, bool):
            seen = str(seen).lower()
        elif isinstance(seen, int | float):
            seen, wanted = float(seen), self._number(wanted)
        compare = {
            "=": lambda: seen == wanted,
            "!=": lambda: seen != wanted,
            "<": lambda: seen < wanted,
            "<=": lambda: seen <= wanted,
            ">": lambda: seen > wanted,
            ">=": lambda: seen >= wanted,
        }
        if operator not in compare:
            self._fail()
        return bool(compare[operator]())

    def _number(self, text: str) -> Any:
        try:
            return float(text)
        except ValueError:
            return self._fail()

    def _next(self) -> str:
        return self._rest.pop(0) if self._rest else self._fail()

    def _take(self, word: str) -> bool:
        if self._rest[:1] == [word]:
            del self._rest[0]
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            self._fail()

    def _fail(self) -> Any:
        server.refuse("INVALID_ARGUMENT", f"filter: cannot parse '{self._text}'")


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            server.refuse("INVALID_ARGUMENT", f"filter: cannot parse '{text}'")
        assert token is not None
        found.append(token[0].strip())
        position = token.end()
    return found
