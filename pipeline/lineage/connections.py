"""Opens a metadata database to be read, and says in words why it cannot be.

FILE or sqlite:///FILE
mysql://USER@HOST:PORT/DATABASE?password=env:NAME
postgresql://USER@HOST:PORT/DATABASE?password=env:NAME
The password is a reference, as in the notifications' channels: env:, file: or sm://.
"""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import urllib.parse
from collections.abc import Callable
from typing import Any

from pipeline.errors import BusyError, UsageError
from pipeline.notifications import secrets

SCHEMA_VERSION = 10
"""Of ml_metadata 1.21; the same since 1.13."""

WAIT_S = 5.0
"""How long a locked file is waited for."""

Ask = Callable[..., list[tuple[Any, ...]]]


@dataclasses.dataclass(frozen=True)
class Connection:
    """An open database of MLMD."""

    where: str
    ask: Ask
    """SQL with ? for each value that follows -> rows."""


def opened(uri: str) -> Connection:
    """Opens and checks it.

    Raises:
      UsageError: it is not there, not MLMD's, damaged, or of another schema version.
      BusyError: somebody else has locked it.
    """
    scheme, separator, _ = uri.partition("://")
    if not separator:
        connection = _sqlite(uri)
    elif scheme == "sqlite":
        connection = _sqlite(uri.removeprefix("sqlite://"))
    elif scheme in ("mysql", "postgresql"):
        connection = _server(uri)
    else:
        raise UsageError(
            f"--store {uri}: '{scheme}' is not a store here. Known: FILE, sqlite, "
            "mysql, postgresql"
        )
    _require_mlmd(connection)
    return connection


def _sqlite(path: str) -> Connection:
    if not os.path.isfile(path):
        raise UsageError(
            f"there is no metadata store at {path}. A run makes it; "
            "--set output_root=DIR or --store URI names another"
        )
    if os.path.getsize(path) == 0:
        raise UsageError(f"{path} is empty: no run has been recorded there")
    where = urllib.parse.quote(os.path.abspath(path))
    db = sqlite3.connect(
        f"file:{where}?mode=ro", uri=True, timeout=WAIT_S, check_same_thread=False
    )

    def ask(question: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return db.execute(question, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _refusal(path, error) from None

    return Connection(path, ask)


def _refusal(path: str, error: sqlite3.DatabaseError) -> UsageError:
    words = str(error)
    if "locked" in words or "busy" in words:
        return BusyError(
            f"{path} is locked by another process ({words}) for more than "
            f"{WAIT_S:g} s. Wait for it, and ask again"
        )
    if "not a database" in words:
        return UsageError(f"{path} is not a metadata store: {words}")
    if "no such table" in words or "no such column" in words:
        return UsageError(f"{path} is not a metadata store of MLMD: {words}")
    return UsageError(
        f"{path} cannot be read: {words}. If it is damaged or cut off, take the last "
        "copy of it; what is left of this one: sqlite3 FILE .recover"
    )


def _server(uri: str) -> Connection:
    parts = urllib.parse.urlsplit(uri)
    query = dict(urllib.parse.parse_qsl(parts.query))
    if parts.password is not None:
        raise UsageError(
            f"--store {_without_password(parts)}: a password does not belong into a "
            "command. Put ?password=env:NAME, file:/PATH or sm://... behind the address"
        )
    reference = query.pop("password", "")
    password = _secret(reference) if reference else ""
    socket = query.pop("socket", None)
    if query or not parts.path.strip("/"):
        raise UsageError(
            f"--store {_without_password(parts)}: expected "
            f"{parts.scheme}://USER@HOST:PORT/DATABASE?password=env:NAME"
        )
    connect = _mysql if parts.scheme == "mysql" else _postgresql
    where = _without_password(parts)
    try:
        db = connect(parts, password, socket)
    except Exception as error:
        raise UsageError(f"{where}: cannot be reached: {_words(error)}") from None

    def ask(question: str, *values: str) -> list[tuple[Any, ...]]:
        cursor = db.cursor()
        try:
            cursor.execute(question.replace("?", "%s"), values)
            return [tuple(row) for row in cursor.fetchall()]
        except Exception as error:
            db.rollback()
            raise UsageError(f"{where}: {_words(error)}") from None
        finally:
            cursor.close()

    return Connection(where, ask)


def _secret(reference: str) -> str:
    try:
        return secrets.resolve(reference).reveal()
    except secrets.SecretError as error:
        raise UsageError(f"--store ...?password={reference}: {error}") from None


def _mysql(parts: Any, password: str, socket: str | None) -> Any:
    import pymysql

    place = (
        {"unix_socket": socket}
        if socket
        else {"host": parts.hostname or "localhost", "port": parts.port or 3306}
    )
    return pymysql.connect(
        **place,
        user=urllib.parse.unquote(parts.username or ""),
        password=password,
        database=parts.path.strip("/"),
        connect_timeout=10,
        read_timeout=60,
        init_command="SET SESSION TRANSACTION READ ONLY",
    )


def _postgresql(parts: Any, password: str, socket: str | None) -> Any:
    from pg8000 import dbapi

    db = dbapi.connect(
        user=urllib.parse.unquote(parts.username or ""),
        host=parts.hostname or "localhost",
        port=parts.port or 5432,
        database=parts.path.strip("/"),
        password=password or None,
        unix_sock=socket,
        timeout=60,
    )
    db.cursor().execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    db.commit()
    return db


def _require_mlmd(connection: Connection) -> None:
    try:
        found = [
            version
            for (version,) in connection.ask("select schema_version from MLMDEnv")
        ]
    except BusyError:
        raise
    except UsageError as error:
        if "MLMDEnv" in str(error) or "mlmdenv" in str(error):
            raise UsageError(
                f"{connection.where} is not a metadata store of MLMD: "
                "it has no table MLMDEnv"
            ) from None
        raise
    if found == [SCHEMA_VERSION]:
        return
    seen = ", ".join(map(str, found)) or "none"
    raise UsageError(
        f"{connection.where} has MLMD's schema version {seen}; this reads "
        f"{SCHEMA_VERSION}. It is never changed without being asked to: "
        "docs/lineage.md, 'An older store', says how to upgrade a copy of it"
    )


def _without_password(parts: Any) -> str:
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"


def _words(error: Exception) -> str:
    """The driver's message on one line; pymysql puts a number before it."""
    found = error.args[-1] if error.args else error
    if isinstance(found, dict):  # PostgreSQL's fields
        found = found.get("M", found)
    return " ".join(str(found).split())
