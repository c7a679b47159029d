"""Stores for the questions: a fresh one is a copy, since MLMD takes long to make it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.metadata import connections, sql
from tests import histories
from tests.fakes import databases


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLMD file without a run, that knows every type."""
    path = tmp_path_factory.mktemp("empty") / "metadata.sqlite"
    histories.write(histories.open_store(str(path)), [])
    return path


@pytest.fixture
def recorded(empty_store, tmp_path) -> Callable[..., sql.SqlStore]:
    """Writes the runs to `tmp_path/metadata.sqlite`, with their times; opens it."""

    def record(*specs: histories.Spec) -> sql.SqlStore:
        path = str(tmp_path / "metadata.sqlite")
        shutil.copy(empty_store, path)
        histories.write(histories.open_store(path), specs)
        histories.set_times(path, specs)
        return sql.SqlStore(connections.opened(path))

    return record


@pytest.fixture(scope="session", params=["mysql", "postgresql"])
def database(request) -> Iterator[databases.Database]:
    """A server without a table, and the environment has its password."""
    with databases.started(request.param) as found, pytest.MonkeyPatch.context() as env:
        env.setenv("MLMD_PASSWORD", databases.PASSWORD)
        yield found


@pytest.fixture
def empty_database(database) -> databases.Database:
    """The same, emptied."""
    database.empty()
    return database
