"""What the store and the disk do not agree about; nothing is mended unasked."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from pipeline.lineage import connections, orphans, process, sql
from tests import histories
from tests.histories import Spec


@pytest.fixture
def root(empty_store, tmp_path):
    """An output root: one run cut off at its Trainer, and one that is whole."""
    path = tmp_path / "metadata.sqlite"
    shutil.copy(empty_store, path)
    histories.write(
        histories.open_store(str(path)),
        [Spec(), Spec(code=1, ends_at="Trainer", cut_off=True)],
    )
    with closing(sqlite3.connect(path)) as db, db:
        uris = db.execute("select id, uri from Artifact").fetchall()
        for id_, uri in uris:
            there = str(tmp_path) + uri.replace("/out/trips", "/artifacts")
            db.execute("update Artifact set uri = ? where id = ?", (there, id_))
            (tmp_path / there).mkdir(parents=True)
            (tmp_path / there / "file").touch()
        db.execute(
            "update ArtifactProperty set string_value = ? where name = ?",
            (str(tmp_path / "serving" / "1"), "pushed_destination"),
        )
    (tmp_path / "serving" / "1").mkdir(parents=True)
    return tmp_path


def found(root):
    store = sql.SqlStore(connections.opened(str(root / "metadata.sqlite")))
    return orphans.orphans(
        store, "trips", str(root / "artifacts"), str(root / "serving")
    )


def set_process(root, identity: str) -> None:
    with closing(sqlite3.connect(root / "metadata.sqlite")) as db, db:
        db.execute(
            "update ContextProperty set string_value = ? where name = 'process'",
            (identity,),
        )


def test_a_run_of_a_living_process_is_no_orphan(root):
    set_process(root, process.this())

    answer, plan = found(root)

    assert answer.value["executions_without_a_process"] == []
    assert not plan


def test_a_pid_that_another_process_has_now_does_not_count(root):
    identity = {**json.loads(process.this()), "started": "before the restart"}
    set_process(root, json.dumps(identity))

    answer, plan = found(root)

    [row] = answer.value["executions_without_a_process"]
    assert (row["node"], row["process"]) == ("Trainer", "gone")
    assert plan.executions == (row["execution"],)


def test_of_another_host_nobody_here_may_say_that_it_is_gone(root):
    answer, plan = found(root)

    [row] = answer.value["executions_without_a_process"]
    assert row["process"] == "of another host, or unknown"
    assert not plan


def test_files_that_are_gone_and_files_that_nobody_knows_are_mended(root):
    set_process(root, json.dumps({**json.loads(process.this()), "started": "x"}))
    shutil.rmtree(root / "artifacts" / "Trainer" / "model" / "1")
    stray = root / "artifacts" / "Trainer" / "model" / "99"
    stray.mkdir()
    unknown = root / "serving" / "7"
    unknown.mkdir()
    answer, plan = found(root)
    assert [row["type"] for row in answer.value["artifacts_without_files"]] == ["Model"]
    assert answer.value["files_without_an_artifact"] == [{"path": str(stray)}]
    assert answer.value["versions_that_nobody_recorded"] == [{"path": str(unknown)}]

    orphans.fix(str(root / "metadata.sqlite"), plan)

    after, nothing = found(root)
    assert not nothing
    assert after.value["executions_without_a_process"] == []
    assert after.value["versions_that_nobody_recorded"] == [{"path": str(unknown)}]
    assert not stray.exists()
    assert unknown.exists()
    with closing(sqlite3.connect(root / "metadata.sqlite")) as db:
        states = db.execute("select last_known_state from Execution").fetchall()
    assert (2,) not in states
    assert (4,) in states


def test_looking_changes_nothing(root):
    before = (root / "metadata.sqlite").read_bytes()

    found(root)

    assert (root / "metadata.sqlite").read_bytes() == before
