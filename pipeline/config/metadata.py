"""The configuration's `metadata` section: which database runs are recorded in."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

import pydantic
from pydantic import BaseModel, ConfigDict

SERVERS = {"mysql": 3306, "postgresql": 5432}
"""Scheme -> the port when none is said."""

_FORM = "://USER@HOST:PORT/DATABASE?password=env:NAME"
_REFERENCE = re.compile(r"(env:[A-Za-z_]\w*|file:.+|sm://.+)")


@dataclasses.dataclass(frozen=True)
class Address:
    """A database on a server; the password is a reference, not the password."""

    scheme: str
    user: str
    host: str
    port: int
    database: str
    password: str
    """env:NAME, file:PATH or sm://..., or '' for none."""

    socket: str | None

    def __str__(self) -> str:
        """Without the reference, for people."""
        user = f"{urllib.parse.quote(self.user)}@" if self.user else ""
        database = urllib.parse.quote(self.database)
        return f"{self.scheme}://{user}{self.host}:{self.port}/{database}"


def is_server(store: str) -> bool:
    """Whether it is the address of a server, and not a file."""
    return store.partition("://")[0] in SERVERS


def address(store: str) -> Address:
    """The parts of a server's address.

    Raises:
      ValueError: in words, what is wrong with it; never with a password in them.
    """
    parts = urllib.parse.urlsplit(store)
    if parts.scheme not in SERVERS:
        raise ValueError(f"expected mysql{_FORM} or postgresql{_FORM}")
    expected = f"{parts.scheme}{_FORM}"
    if parts.password is not None:
        raise ValueError(
            f"a password does not belong into an address. Expected {expected}, "
            "file:/PATH or sm://..."
        )
    options = dict(urllib.parse.parse_qsl(parts.query))
    reference, socket = options.pop("password", ""), options.pop("socket", None)
    database = parts.path.strip("/")
    if options or not database or "/" in database:
        raise ValueError(f"expected {expected}")
    if reference and not _REFERENCE.fullmatch(reference):
        raise ValueError(
            "what follows ?password= must be a reference, never the password: "
            "env:NAME, file:/PATH or sm://projects/P/secrets/S/versions/V"
        )
    try:
        port = parts.port or SERVERS[parts.scheme]
    except ValueError:
        raise ValueError("the port is not a number from 1 to 65535") from None
    return Address(
        scheme=parts.scheme,
        user=urllib.parse.unquote(parts.username or ""),
        host=parts.hostname or "localhost",
        port=port,
        database=urllib.parse.unquote(database),
        password=reference,
        socket=socket,
    )


class MetadataConfig(BaseModel):
    """Where runs on this machine are recorded; Vertex has a store of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str | None = None
    """mysql://USER@HOST:PORT/DATABASE?password=env:NAME or postgresql://...: one record
    of all its users' runs. None means OUTPUT_ROOT/metadata.sqlite."""

    @pydantic.field_validator("store")
    @classmethod
    def _is_a_server(cls, store: str | None) -> str | None:
        if store is not None:
            address(store)
        return store
