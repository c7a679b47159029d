"""What was asked, and what is answered."""

from __future__ import annotations

import dataclasses
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

_REASONS = {
    400: "invalid",
    401: "authError",
    404: "notFound",
    409: "conflict",
    410: "uploadGone",
    412: "conditionNotMet",
    416: "requestedRangeNotSatisfiable",
    501: "notImplemented",
}


@dataclasses.dataclass(frozen=True)
class Request:
    """One request over HTTP."""

    method: str
    target: str
    """Path and query, escaped as they came."""

    headers: Mapping[str, str]
    """By names in small letters."""

    body: bytes = b""
    scheme: str = "https"

    @property
    def path(self) -> str:
        """Escaped: an object's slashes are %2F."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The parameters behind the question mark."""
        _, _, query = self.target.partition("?")
        return dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    @property
    def json(self) -> dict[str, Any]:
        """The body; none is an empty object.

        Raises:
          RefusedError: it is something else.
        """
        try:
            found = json.loads(self.body) if self.body else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RefusedError(400, f"the body is no JSON object: {self.body[:80]!r}")
        return found


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class RefusedError(Exception):
    """Answered with an error, as Google words it."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words

    def answer(self) -> Answer:
        """The error as JSON; a status of 304 has no body."""
        if self.status == 304:
            return Answer(304)
        reason = _REASONS.get(self.status, "backendError")
        one = {"message": self.words, "domain": "global", "reason": reason}
        error = {"code": self.status, "message": self.words, "errors": [one]}
        return of_json({"error": error}, self.status)


def of_json(value: Any, status: int = 200) -> Answer:
    """An answer that is JSON."""
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    return Answer(status, json.dumps(value).encode(), headers)
