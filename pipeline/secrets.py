"""References to secrets -> secrets, at the moment they are needed.

env:NAME                                       an environment variable
file:PATH                                      a file's content
sm://projects/P/secrets/S/versions/V           Google's Secret Manager
"""

from __future__ import annotations

import logging
import os
import stat
import urllib.parse
from collections.abc import Callable
from pathlib import Path

_LOG = logging.getLogger("millrace")
# Shorter pieces of a URL (a path's "v1") are no secret, and hiding them hides words.
_SHORTEST_SECRET = 6


class SecretError(Exception):
    """The reference leads to nothing; the text names the reference only."""


class Secret:
    """A value that does not print itself."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value; for the one call that needs it."""
        return self._value

    def hidden_in(self, text: str) -> str:
        """The text without the value, or any part of it that could open something."""
        for part in sorted(self._parts(), key=len, reverse=True):
            text = text.replace(part, "***")
        return text

    def __repr__(self) -> str:
        return "Secret(***)"

    def _parts(self) -> set[str]:
        parts = {self._value}
        url = urllib.parse.urlsplit(self._value)
        if url.scheme and url.netloc:
            user, _, host = url.netloc.rpartition("@")
            parts |= {url.path, url.query, user, *user.split(":")}
            parts |= set(url.path.split("/"))
            parts |= {value for _, value in urllib.parse.parse_qsl(url.query)}
            # Slack's, Opsgenie's and others' tokens stand where a host would.
            if "." not in host:
                parts |= {url.netloc, host}
        parts |= {urllib.parse.unquote(part) for part in parts}
        long = {part for part in parts if len(part) >= _SHORTEST_SECRET}
        return long | ({url.password} if url.password else set())


def managed_by(reader: Callable[[str], str]) -> None:
    """What reads sm:// references in this process where no other reader is given."""
    global _managed
    _managed = reader


def resolve(reference: str, managed: Callable[[str], str] | None = None) -> Secret:
    """The secret that the reference names.

    Args:
      reference: as settings.Reference allows it.
      managed: reads sm:// references; None for what `managed_by` said.

    Raises:
      SecretError: there is none, or it is empty.
    """
    scheme, _, rest = reference.partition(":")
    found = {"env": _from_env, "file": _from_file}
    value = (
        found[scheme](rest) if scheme in found else (managed or _unmanaged)(reference)
    )
    if not value.strip():
        raise SecretError(f"{reference} is empty")
    return Secret(value.strip())


def _from_env(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SecretError(f"env:{name} is not set in the environment of this process")
    return value


def _from_file(name: str) -> str:
    path = Path(name).expanduser()
    try:
        value = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SecretError(f"file:{name} cannot be read: {reason}") from None
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        _LOG.warning("file:%s can be read by other users: chmod 600 %s", name, name)
    return value


def _unmanaged(reference: str) -> str:
    raise SecretError(f"{reference}: only env:NAME and file:PATH can be used here")


_managed: Callable[[str], str] = _unmanaged
