"""What is not a store that can be read says so, and is never changed."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest

from pipeline.errors import BusyError, StoreAway, UsageError
from pipeline.lineage import history, names
from pipeline.metadata import connections, library, sql
from tests.histories import Spec


@pytest.fixture
def copy(empty_store, tmp_path):
    path = tmp_path / "metadata.sqlite"
    shutil.copy(empty_store, path)
    return path


def refusal(path) -> str:
    with pytest.raises(UsageError) as error:
        names.pipeline(sql.SqlStore(connections.opened(str(path))), None, "trips")
    return str(error.value)


def test_a_missing_store_says_what_makes_one(tmp_path):
    assert "there is no metadata store at" in refusal(tmp_path / "none.sqlite")


def test_an_empty_file_has_no_run(tmp_path):
    (tmp_path / "empty").touch()

    assert "is empty: no run has been recorded" in refusal(tmp_path / "empty")


def test_an_empty_store_has_no_run(copy):
    assert "is empty: no run has been recorded" in refusal(copy)


def test_a_text_file_is_no_store(tmp_path):
    (tmp_path / "notes.txt").write_text("no database\n" * 400)

    assert "is not a metadata store" in refusal(tmp_path / "notes.txt")


def test_another_database_is_no_store(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as db, db:
        db.execute("create table Artifact (id integer)")

    assert "no table MLMDEnv" in refusal(tmp_path / "other.sqlite")


@pytest.mark.parametrize("version", [6, 11])
def test_another_schema_version_is_refused_and_stays_as_it_is(copy, version):
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute(f"update MLMDEnv set schema_version = {version}")
    before = copy.read_bytes()

    words = refusal(copy)

    assert f"schema version {version}; this reads 10" in words
    assert "how to upgrade" in words
    assert copy.read_bytes() == before


def test_a_locked_store_is_waited_for_and_then_told(copy, monkeypatch):
    monkeypatch.setattr(connections, "WAIT_S", 0.05)
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        db.execute("begin exclusive")
        with pytest.raises(BusyError, match="locked by another process"):
            connections.opened(str(copy))


def test_a_store_that_was_cut_off_is_told_with_a_way_out(recorded, tmp_path):
    recorded(*[Spec(code=n) for n in range(6)])
    path = tmp_path / "metadata.sqlite"
    os.truncate(path, path.stat().st_size // 2)

    with pytest.raises(UsageError, match=r"cannot be read: .*(malformed|disk)"):
        history.show(sql.SqlStore(connections.opened(str(path))), "trips", "run-00006")


HALF = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma cache_size = 1")  # what is written goes to the file at once
db.execute("begin")
db.execute("update Artifact set uri = 'half' || hex(zeroblob(2000))")
db.execute("update Execution set name = 'half' || hex(zeroblob(2000)) || id")
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_in_a_transaction(path) -> None:
    killed = subprocess.run([sys.executable, "-c", HALF, str(path)])
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name(f"{path.name}-journal").stat().st_size


def uris(path) -> list:
    with closing(connections.opened(str(path))) as connection:
        return connection.ask("select uri from Artifact order by id")


def test_a_transaction_that_was_killed_is_taken_back_and_the_question_answered(
    recorded, tmp_path
):
    recorded(*[Spec(code=n) for n in range(6)])
    path = tmp_path / "metadata.sqlite"
    before = uris(path)

    killed_in_a_transaction(path)

    assert uris(path) == before
    assert not path.with_name("metadata.sqlite-journal").exists()


def test_the_library_reads_it_too(recorded, tmp_path):
    recorded(*[Spec(code=n) for n in range(6)])
    path = tmp_path / "metadata.sqlite"
    before = uris(path)
    killed_in_a_transaction(path)

    store = library.opened(str(path), read_only=True)

    assert [(artifact.uri,) for artifact in store.get_artifacts()] == before


def test_what_a_living_process_writes_is_not_taken_back(recorded, tmp_path):
    recorded(*[Spec(code=n) for n in range(6)])
    path = tmp_path / "metadata.sqlite"
    before = uris(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("begin immediate")
        db.execute("update Artifact set uri = 'new'")
        assert path.with_name("metadata.sqlite-journal").exists()

        during = uris(path)
        db.execute("commit")

    assert during == before
    assert set(uris(path)) == {("new",)}


def test_who_cannot_write_is_told_who_can_and_that_nothing_is_lost(
    recorded, tmp_path, monkeypatch
):
    recorded(*[Spec(code=n) for n in range(6)])
    path = tmp_path / "metadata.sqlite"
    killed_in_a_transaction(path)
    database = connections._database
    # Stands for a user who may only read; root may write whatever the mode is.
    monkeypatch.setattr(connections, "_database", lambda p, _: database(p, "ro"))

    words = refusal(path)

    assert "was killed" in words
    assert f"{path}-journal" in words
    assert "recover" not in words


def test_a_read_only_store_in_a_read_only_folder_answers(recorded, tmp_path):
    recorded(Spec())
    path = tmp_path / "metadata.sqlite"
    path.chmod(stat.S_IRUSR)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        store = sql.SqlStore(connections.opened(str(path)))
        assert len(history.runs(store, "trips").value["runs"]) == 1
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_question_changes_nothing_in_the_file(recorded, tmp_path):
    store = recorded(Spec(), Spec(code=1))
    before = (tmp_path / "metadata.sqlite").read_bytes()

    history.runs(store, "trips")
    history.champion(store, "trips")

    assert (tmp_path / "metadata.sqlite").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["metadata.sqlite"]


def test_the_file_is_opened_to_be_read(copy):
    with pytest.raises(UsageError, match="readonly"):
        connections.opened(str(copy)).ask("delete from MLMDEnv")


def test_a_path_with_a_question_mark_is_a_path(recorded, tmp_path):
    recorded(Spec())
    odd = tmp_path / "a?b#c%20.sqlite"
    (tmp_path / "metadata.sqlite").rename(odd)

    store = sql.SqlStore(connections.opened(str(odd)))

    assert store.pipelines() == ["trips"]


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(UsageError) as error:
        connections.opened("mysql://ada:s3cret-word@localhost/mlmd")

    assert "s3cret-word" not in str(error.value)
    assert "?password=env:NAME" in str(error.value)


def test_an_unknown_kind_of_store_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="Known: FILE, sqlite, mysql, postgresql"):
        connections.opened("oracle://somewhere/x")


def test_a_server_that_is_not_there_is_told_without_the_password(monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", "s3cret-word")
    with pytest.raises(StoreAway) as error:
        connections.opened("mysql://ada@127.0.0.1:9/mlmd?password=env:MLMD_PASSWORD")

    assert "mysql://ada@127.0.0.1:9/mlmd: cannot be reached" in str(error.value)
    assert "s3cret-word" not in str(error.value)


def test_a_password_that_is_nowhere_names_its_reference(monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(UsageError, match="env:NOWHERE"):
        connections.opened("mysql://ada@127.0.0.1:9/mlmd?password=env:NOWHERE")
