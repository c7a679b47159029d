"""Opens a metadata database to be read, and says in words why it cannot be.

FILE or sqlite:///FILE
mysql://USER@HOST:PORT/DATABASE?password=env:NAME
postgresql://USER@HOST:PORT/DATABASE?password=env:NAME
The password is a reference, as in the notifications' channels: env:, file: or sm://.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sqlite3
import stat
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

from pipeline import secrets
from pipeline.config import metadata as metadata_config
from pipeline.config.metadata import Address
from pipeline.errors import BusyError, MillraceError, StoreAway, UsageError

SCHEMA_VERSION = 10
"""MLMD's schema version, of ml_metadata 1.21; the same since 1.13."""

WAIT_S = 5.0
"""How long a locked file is waited for."""

_ANYBODY = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH

Ask = Callable[..., list[tuple[Any, ...]]]


@dataclasses.dataclass(frozen=True)
class Connection:
    """An open database of MLMD."""

    where: str
    ask: Ask
    """SQL with ? for each value that follows -> rows."""

    close: Callable[[], None]


def opened(uri: str) -> Connection:
    """Opens and checks it.

    Raises:
      UsageError: it is not there, not MLMD's, damaged, or of another schema version.
      BusyError: somebody else has locked it.
      StoreAway: its server does not answer now.
    """
    connection = _connected(uri)
    _require_mlmd(connection)
    return connection


def require_writable(uri: str, who: str = "a run") -> None:
    """Checks that it can be written; an empty one will be made MLMD's.

    Args:
      uri: of the configuration's `store`.
      who: wants to write, for the error.

    Raises:
      UsageError: it is something else's, of another schema version, or read-only.
      BusyError: somebody else has locked it.
      StoreAway: its server does not answer now.
    """
    with reserved(uri, who):
        pass


@contextlib.contextmanager
def reserved(uri: str, who: str = "a run") -> Iterator[None]:
    """The same; while it is entered nobody else makes a server's tables.

    MySQL shows them one by one: two first runs at once would each find half a store.
    """
    if not metadata_config.is_server(uri):
        if os.path.exists(uri) and os.path.getsize(uri):
            opened(uri).close()
            # For root too, whom the kernel would let.
            if not (os.access(uri, os.W_OK) and os.stat(uri).st_mode & _ANYBODY):
                raise UsageError(
                    f"{uri} is read-only, and {who} has to write it. "
                    "Nothing was changed"
                )
        yield
        return
    with contextlib.closing(_connected(uri)) as connection:
        mysql = uri.startswith("mysql:")
        # Held by the session, and gone with it.
        [[held]] = connection.ask(
            f"select get_lock(concat('millrace ', left(sha1(database()), 16)), {_LOCK})"
            if mysql
            else "select 1 from pg_advisory_lock(hashtext('millrace'))"
        )
        if held != 1:
            raise BusyError(
                f"{connection.where}: another process is creating its tables"
            )
        own = "database()" if mysql else "current_schema()"
        question = "select 1 from information_schema.tables where table_schema = "
        if connection.ask(f"{question}{own} limit 1"):
            _require_mlmd(connection)
        yield


_LOCK = 60
"""Seconds that MySQL waits for it."""


def _connected(uri: str) -> Connection:
    scheme, separator, _ = uri.partition("://")
    if not separator:
        return _sqlite(uri)
    if scheme == "sqlite":
        return _sqlite(uri.removeprefix("sqlite://"))
    if metadata_config.is_server(uri):
        return _server(uri)
    raise UsageError(
        f"--store {uri}: '{scheme}' is not a store here. Known: FILE, sqlite, "
        f"{', '.join(metadata_config.SERVERS)}"
    )


def roll_back(path: str) -> None:
    """Takes back what a process that is gone began to write into an SQLite file.

    SQLite does it when a file is opened whose journal is left over, and cannot where
    it may only read. Of a process that lives nothing is taken back.

    Raises:
      UsageError: there is such a journal, and the file cannot be written here.
      BusyError: somebody else has locked it.
    """
    left = next((path + end for end in _LEFT if os.path.exists(path + end)), None)
    if left is None or not os.path.exists(path):
        return
    try:
        with contextlib.closing(_database(path, "rw")) as db:
            db.execute("select count(*) from sqlite_master").fetchall()
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise _refusal(path, error) from None
        raise UsageError(
            f"{path}: a process that wrote it was killed, and what it began must be "
            f"taken back with {left}. That takes someone who may write both files and "
            f"their folder: ask again as such a user. Remove neither ({error})"
        ) from None


_LEFT = ("-journal", "-wal")
"""What SQLite leaves beside a file whose writer was killed."""


def _database(path: str, mode: str) -> sqlite3.Connection:
    where = urllib.parse.quote(os.path.abspath(path))
    return sqlite3.connect(
        f"file:{where}?mode={mode}", uri=True, timeout=WAIT_S, check_same_thread=False
    )


def _sqlite(path: str) -> Connection:
    roll_back(path)
    if not os.path.isfile(path):
        raise UsageError(
            f"there is no metadata store at {path}. A run makes it; "
            "--set output_root=DIR or --store URI names another"
        )
    if os.path.getsize(path) == 0:
        raise UsageError(f"{path} is empty: no run has been recorded there")
    db = _database(path, "ro")

    def ask(question: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return db.execute(question, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _refusal(path, error) from None

    return Connection(path, ask, db.close)


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
    try:
        address = metadata_config.address(uri)
    except ValueError as error:
        shown = uri.partition("?")[0].rpartition("@")[2]
        raise UsageError(f"--store ...{shown}: {error}") from None
    connect = _mysql if address.scheme == "mysql" else _postgresql
    where = str(address)
    secret = password(address)
    try:
        db = connect(address, secret)
    except Exception as error:
        raise _unreached(where, error) from None

    def ask(question: str, *values: str) -> list[tuple[Any, ...]]:
        cursor = db.cursor()
        try:
            cursor.execute(question.replace("?", "%s"), values)
            return [tuple(row) for row in cursor.fetchall()]
        except Exception as error:
            raise _failed(where, error) from None
        finally:
            with contextlib.suppress(Exception):
                cursor.close()
                db.rollback()  # the next question sees what was written meanwhile

    return Connection(where, ask, db.close)


def password(address: Address) -> str:
    """What the address refers to; '' for none.

    Raises:
      UsageError: the reference leads to nothing.
    """
    if not address.password:
        return ""
    try:
        return secrets.resolve(address.password).reveal()
    except secrets.SecretError as error:
        raise UsageError(f"{address}: its password: {error}") from None


def _mysql(address: Address, secret: str) -> Any:
    import pymysql

    place: dict[str, object] = (
        {"unix_socket": address.socket}
        if address.socket
        else {"host": address.host, "port": address.port}
    )
    # ml_metadata says latin1 and sends UTF-8, whatever the tables say. Whoever wants
    # to read what it wrote does the same.
    db = pymysql.connect(
        **place,
        user=address.user,
        password=secret,
        database=address.database,
        charset="latin1",
        connect_timeout=10,
        read_timeout=60,
        init_command="SET SESSION TRANSACTION READ ONLY",
    )
    db.encoding = "utf-8"
    return db


def _postgresql(address: Address, secret: str) -> Any:
    from pg8000 import dbapi

    db = dbapi.connect(
        user=address.user,
        host=address.host,
        port=address.port,
        database=address.database,
        password=secret or None,
        unix_sock=address.socket,
        timeout=60,
    )
    db.cursor().execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    db.commit()
    return db


# What a person has to mend: the user, the password, the database, the server's name.
_SETTINGS = (1044, 1045, 1049, 1698, "28P01", "28000", "3D000", "42501")


def _unreached(where: str, error: Exception) -> MillraceError:
    causes = [e for e in _chain(error) if isinstance(e, OSError)]
    reason = causes[-1].strerror if causes else None
    words = f"{where}: cannot be reached: {reason or _words(error)}"
    unknown = any(isinstance(cause, socket.gaierror) for cause in causes)
    if unknown or _code(error) in _SETTINGS:
        return UsageError(f"{words}. metadata.store, or --store, says where it is")
    return StoreAway(f"{words}. Start it, or try again later")


def _failed(where: str, error: Exception) -> MillraceError:
    """An answer is a refusal; without one the server is away."""
    lost = isinstance(error, OSError) or type(error).__name__ == "InterfaceError"
    if lost or _code(error) in (2006, 2013, "57P01", "57P02", "57P03"):
        return StoreAway(f"{where}: went away: {_words(error)}. Try again later")
    return UsageError(f"{where}: {_words(error)}")


def _code(error: Exception) -> Any:
    """MySQL's number or PostgreSQL's five letters; None when the server said nothing"""
    first = error.args[0] if error.args else None
    return first.get("C") if isinstance(first, dict) else first


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


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


def _words(error: Exception) -> str:
    """The driver's message on one line; pymysql puts a number before it."""
    found = error.args[-1] if error.args else error
    if isinstance(found, dict):  # PostgreSQL's fields
        found = found.get("M", found)
    return " ".join(str(found).split())
