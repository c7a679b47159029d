"""An older ml_metadata's store: refused as it is, and upgraded as the docs say."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from ml_metadata import metadata_store

from pipeline.config import config
from pipeline.config import metadata as metadata_config
from pipeline.errors import UsageError
from pipeline.lineage import history
from pipeline.metadata import connections, library, sql
from tests import histories
from tests.histories import Spec

ROOT = config.ROOT
OLDER = 7
"""Of ml_metadata 1.2 to 1.5."""


@pytest.fixture
def older(empty_store, tmp_path) -> Path:
    """An output root whose store is of an older schema and has a run."""
    path = tmp_path / "output" / "metadata.sqlite"
    path.parent.mkdir()
    shutil.copy(empty_store, path)
    histories.write(histories.open_store(str(path)), [Spec()])
    metadata_store.downgrade_schema(library._file(str(path), False), OLDER)
    return path


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        [[found]] = db.execute("select schema_version from MLMDEnv").fetchall()
    return found


def test_a_run_leaves_it_as_it_is_and_says_how_to_upgrade(older):
    before = older.read_bytes()

    done = subprocess.run(
        [
            *(sys.executable, "local_runner.py", "run"),
            *("--config", "configs/penguins/penguins.yaml"),
            *("--set", f"output_root={older.parent}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2, done.stdout + done.stderr
    assert f"schema version {OLDER}; this reads 10" in done.stderr
    assert "how to upgrade" in done.stderr
    assert older.read_bytes() == before
    assert os.listdir(older.parent) == [older.name]


def test_the_documented_upgrade_keeps_every_run_and_the_old_file(older, tmp_path):
    text = (ROOT / "docs" / "lineage.md").read_text(encoding="utf-8")
    section = text.partition("## An older store")[2]
    commands = re.search(r"```sh\n(.*?)```", section, re.DOTALL).group(1)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    before = older.read_bytes()

    done = subprocess.run(
        [
            "bash",
            "-ec",
            commands.replace("runs --store", "runs --pipeline trips --store"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 0, done.stderr
    assert "run-00001" in done.stdout
    assert version(older) == connections.SCHEMA_VERSION
    assert (tmp_path / "before-upgrade.sqlite").read_bytes() == before


@pytest.fixture
def older_server(empty_database):
    histories.write(library.opened(empty_database.uri), [Spec()])
    address = metadata_config.address(empty_database.uri)
    metadata_store.downgrade_schema(library.connection(address), OLDER)
    return empty_database


def test_a_servers_store_is_upgraded_where_it_is(older_server):
    if older_server.kind == "postgresql":
        before = older_server.dump()
        with pytest.raises(UsageError, match="cannot upgrade PostgreSQL"):
            library.upgrade(older_server.uri)
        assert older_server.dump() == before
        return

    library.upgrade(older_server.uri)

    with closing(connections.opened(older_server.uri)) as opened:
        [run] = history.runs(sql.SqlStore(opened), "trips").value["runs"]
    assert run["run"] == "run-00001"
