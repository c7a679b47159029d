"""What the store and the disk do not agree about; nothing is mended unasked."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from pipeline.lineage import history, orphans
from pipeline.metadata import connections, process, sql
from pipeline.runs import folder as runs
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


def test_a_run_that_lives_is_running(root):
    store = sql.SqlStore(connections.opened(str(root / "metadata.sqlite")))
    before = [r["outcome"] for r in history.runs(store, "trips").value["runs"]]
    set_process(root, process.this())

    now = [r["outcome"] for r in history.runs(store, "trips").value["runs"]]

    assert before.count("CUT OFF") == 1
    assert now == [word.replace("CUT OFF", "RUNNING") for word in before]


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


def ask(root, question: str) -> list:
    with closing(sqlite3.connect(root / "metadata.sqlite")) as db, db:
        return db.execute(question).fetchall()


def run_cut_off(root) -> str:
    """The execution of a run whose process is gone; its id."""
    gone = {**json.loads(process.this()), "started": "before the restart"}
    set_process(root, json.dumps(gone))
    [(number,)] = ask(root, "select id from Execution where last_known_state = 2")
    return str(number)


def typed(root, *words: str) -> subprocess.CompletedProcess:
    """As a person types it, where there is no terminal."""
    sets = ("pipeline_name=trips", f"output_root={root}", f"push.path={root}/serving")
    options = [word for value in sets for word in ("--set", value)]
    return subprocess.run(
        [sys.executable, "local_runner.py", "lineage", "orphans", *words, *options],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_what_a_living_process_writes_is_no_orphan(root):
    number = run_cut_off(root)
    set_process(root, process.this())
    (root / "artifacts" / "Trainer" / "model" / number).mkdir()
    (root / "serving" / f".incoming-8-{os.getpid()}").mkdir()

    answer, plan = found(root)

    assert answer.value["files_without_an_artifact"] == []
    assert not plan


def test_what_a_dead_process_left_half_written_is_removed(root):
    number = run_cut_off(root)
    (root / "artifacts" / "Trainer" / "model" / number).mkdir()
    (root / "serving" / ".incoming-8-4194399").mkdir()

    _, plan = found(root)

    assert [os.path.basename(folder) for folder in plan.folders] == [
        number,
        ".incoming-8-4194399",
    ]


def test_an_override_has_a_process_of_its_own_and_is_ended_not_failed(root):
    """The registry may serve its model: nobody but it knows how the record ends."""
    number = run_cut_off(root)
    ask(root, "update Type set name = 'GateOverride' where name like '%.Trainer'")
    ask(
        root,
        "update Context set name = 'trips.GateOverride' where name = 'trips.Trainer'",
    )
    copy = root / "artifacts" / "GateOverride" / "pushed_model" / number
    copy.mkdir(parents=True)

    _, dead = found(root)
    ask(
        root,
        "insert into ExecutionProperty (execution_id, name, is_custom_property, "
        f"string_value) values ({number}, 'process', 1, '{process.this()}')",
    )
    _, alive = found(root)

    assert (dead.executions, dead.overrides, dead.folders) == ((), (number,), ())
    assert not alive


def test_the_command_shows_its_plan_and_wants_a_yes(root):
    number = run_cut_off(root)
    stray = root / "artifacts" / "Trainer" / "model" / "99"
    stray.mkdir()

    shown = typed(root, "--output", "json")
    refused = typed(root, "--fix")

    assert shown.returncode == 0, shown.stderr
    answer = json.loads(shown.stdout)["answer"]
    [row] = answer["executions_without_a_process"]
    assert (row["execution"], row["process"]) == (number, "gone")
    assert refused.returncode == 2
    assert f"mark execution {number} FAILED" in refused.stderr
    assert f"remove {stray}" in refused.stderr
    assert "say --yes" in refused.stderr
    assert stray.exists()
    assert ask(root, "select count(*) from Execution where last_known_state = 2") == [
        (1,)
    ]


def test_yes_mends_it_and_a_second_time_finds_nothing(root):
    number = run_cut_off(root)
    shutil.rmtree(root / "artifacts" / "Trainer" / "model" / "1")

    done = typed(root, "--fix", "--yes")
    again = typed(root, "--fix", "--yes")

    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("fixed\n")
    assert ask(root, f"select last_known_state from Execution where id = {number}") == [
        (4,)
    ]
    assert ask(
        root, "select state from Artifact where uri like '%/Trainer/model/1'"
    ) == [(4,)]
    assert again.returncode == 0
    assert "there is nothing to fix" in again.stderr


def test_a_root_that_a_run_holds_is_not_mended(root):
    run_cut_off(root)

    with runs.locked(str(root)):
        done = typed(root, "--fix", "--yes")

    assert done.returncode == 2
    assert "in use" in done.stderr


def test_a_read_only_store_is_told_and_no_file_is_removed(root):
    run_cut_off(root)
    stray = root / "artifacts" / "Trainer" / "model" / "99"
    stray.mkdir()
    (root / "metadata.sqlite").chmod(0o444)

    done = typed(root, "--fix", "--yes")

    assert done.returncode == 2
    assert "read-only, and orphans --fix has to write it" in done.stderr
    assert stray.exists()


def test_a_store_elsewhere_is_looked_at_and_never_mended(root):
    done = typed(root, "--fix", "--yes", "--store", str(root / "metadata.sqlite"))

    assert done.returncode == 2
    assert "--fix repairs the configuration's own store" in done.stderr
