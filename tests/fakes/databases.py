"""Real MariaDB and PostgreSQL servers from Debian's packages, each in a folder of ours.

They listen on loopback or a socket, belong to whoever runs the tests, and are gone
afterwards.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PASSWORD = "m1ll-r4ce"
USER, DATABASE = "millrace", "mlmd"


PACKAGES = {"mysql": "mariadb-server", "postgresql": "postgresql"}
"""Kind -> Debian's package."""


@dataclasses.dataclass(frozen=True)
class Database:
    """A database on a running server, as a team would have it."""

    kind: str
    port: int

    @property
    def uri(self) -> str:
        """Its address; the password is where MLMD_PASSWORD says."""
        where = f"{USER}@127.0.0.1:{self.port}/{DATABASE}"
        return f"{self.kind}://{where}?password=env:MLMD_PASSWORD"

    def execute(self, *statements: str) -> list[tuple]:
        """Runs them as the owner; gives the rows of the last one."""
        with contextlib.closing(self._connected()) as db:
            cursor = db.cursor()
            for statement in statements:
                cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
            db.commit()
        return [tuple(row) for row in rows]

    def empty(self) -> None:
        """Drops every table."""
        if self.kind == "mysql":
            self.execute(f"drop database {DATABASE}", f"create database {DATABASE}")
        else:
            self.execute("drop schema public cascade", "create schema public")

    def dump(self) -> str:
        """Every row of every table."""
        own = {"mysql": "database()", "postgresql": "current_schema()"}[self.kind]
        tables = self.execute(
            "select table_name from information_schema.tables "
            f"where table_schema = {own}"
        )
        rows = {table: self.execute(f"select * from {table}") for (table,) in tables}
        return repr(rows)

    def _connected(self):
        if self.kind == "mysql":
            import pymysql

            return pymysql.connect(
                host="127.0.0.1",
                port=self.port,
                user=USER,
                password=PASSWORD,
                database=DATABASE,
            )
        from pg8000 import dbapi

        return dbapi.connect(
            USER,
            host="127.0.0.1",
            port=self.port,
            database=DATABASE,
            password=PASSWORD,
        )


@contextlib.contextmanager
def started(kind: str) -> Iterator[Database]:
    """A server of that kind; the test is skipped where its package is missing."""
    if not {"mysql": mariadbd, "postgresql": postgres}[kind]():
        pytest.skip(f"Debian's package {PACKAGES[kind]} is not installed")
    with {"mysql": mysql, "postgresql": postgresql}[kind]() as port:
        yield Database(kind, port)


def mariadbd() -> str | None:
    """The server, if it is installed: the package mariadb-server."""
    return shutil.which("mariadbd", path="/usr/sbin:/usr/bin")


def postgres() -> Path | None:
    """The folder of its programs: the package postgresql."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def mysql() -> Iterator[int]:
    """A MariaDB with the database and the user; gives its port."""
    program = mariadbd()
    assert program, "mariadb-server is not installed"
    with (
        tempfile.TemporaryDirectory(prefix="millrace-mysql-") as folder,
        _mysql(program, Path(folder)) as port,
    ):
        yield port


@contextlib.contextmanager
def _mysql(program: str, folder: Path) -> Iterator[int]:
    data, port = folder / "mysql", _free_port()
    user = pwd.getpwuid(os.getuid()).pw_name
    options = [f"--datadir={data}", f"--user={user}"]
    _run(
        "mariadb-install-db",
        *options,
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
    )
    start = folder / "start.sql"
    start.write_text(
        f"create database {DATABASE};\n"
        f"create user {USER}@'%' identified by '{PASSWORD}';\n"
        f"grant all on {DATABASE}.* to {USER}@'%';\n"
    )
    command = [
        *(program, "--no-defaults", *options, f"--port={port}"),
        *("--bind-address=127.0.0.1", f"--socket={folder}/mysql.sock"),
        *(f"--pid-file={folder}/mysql.pid", f"--init-file={start}"),
        "--innodb-flush-log-at-trx-commit=0",
    ]
    with _running(command, folder / "mysql.log", lambda: _mysql_answers(port)):
        yield port


@contextlib.contextmanager
def postgresql() -> Iterator[int]:
    """A PostgreSQL with the database and the user; gives its port."""
    programs = postgres()
    assert programs, "postgresql is not installed"
    # Not in pytest's folder: another user than its owner may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="millrace-pg-"))
    try:
        with _postgresql(programs, folder) as port:
            yield port
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _postgresql(programs: Path, folder: Path) -> Iterator[int]:
    data, port = folder / "pg", _free_port()
    # It refuses to run as root; Debian's package made a user for it.
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if prefix:
        shutil.chown(folder, "postgres")
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    _run(
        *prefix,
        str(programs / "initdb"),
        *(f"--pgdata={data}", f"--username={USER}", f"--pwfile={secret}"),
        *("--auth=scram-sha-256", "--no-sync"),
    )
    command = [
        *prefix,
        *(str(programs / "postgres"), "-D", str(data), "-p", str(port)),
        *("-h", "127.0.0.1", "-k", str(folder), "-F"),
    ]
    with _running(command, folder / "pg.log", lambda: _postgresql_answers(port)):
        _create_database(port)
        yield port


@contextlib.contextmanager
def _running(
    command: list[str], log: Path, answers: Callable[[], bool]
) -> Iterator[None]:
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + 60
            while not answers():
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(log.read_text(errors="replace")[-2000:])
                time.sleep(0.1)
            yield
        finally:
            server.terminate()
            server.wait(60)


def _mysql_answers(port: int) -> bool:
    import pymysql

    try:
        pymysql.connect(
            host="127.0.0.1",
            port=port,
            user=USER,
            password=PASSWORD,
            database=DATABASE,
        ).close()
    except pymysql.Error:
        return False
    return True


def _postgresql_answers(port: int) -> bool:
    from pg8000 import dbapi

    try:
        dbapi.connect(
            USER, host="127.0.0.1", port=port, database="postgres", password=PASSWORD
        ).close()
    except Exception:  # refused, or still starting: each has another class
        return False
    return True


def _create_database(port: int) -> None:
    from pg8000 import dbapi

    db = dbapi.connect(
        USER, host="127.0.0.1", port=port, database="postgres", password=PASSWORD
    )
    db.autocommit = True
    db.cursor().execute(f"create database {DATABASE}")
    db.close()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
