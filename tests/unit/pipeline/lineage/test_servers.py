"""MySQL and PostgreSQL give the same answers as SQLite, to the last character."""

from __future__ import annotations

import shutil

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.errors import UsageError
from pipeline.lineage import connections, diff, history, impact, sql, trace, why
from pipeline.lineage.answers import iso
from tests import histories
from tests.fakes import databases
from tests.histories import Spec

SPECS = (
    Spec(),
    Spec(files=(0, 1), code=1),
    Spec(good=False, code=2),
    Spec(pipeline="penguins"),
    Spec(repush=True),
    Spec(ends_at="Trainer", code=3, dirty=True),
)


def connection(kind: str, port: int) -> mlmd.ConnectionConfig:
    config = mlmd.ConnectionConfig()
    at = getattr(config, kind)
    at.host, at.user, at.password = "127.0.0.1", databases.USER, databases.PASSWORD
    at.port = port if kind == "mysql" else str(port)
    if kind == "mysql":
        at.database = databases.DATABASE
    else:
        at.dbname = databases.DATABASE
    return config


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def server(request):
    installed = {"mysql": databases.mariadbd, "postgresql": databases.postgres}
    package = {"mysql": "mariadb-server", "postgresql": "postgresql"}[request.param]
    if not installed[request.param]():
        pytest.skip(f"Debian's package {package} is not installed")
    with getattr(databases, request.param)() as port:
        store = metadata_store.MetadataStore(connection(request.param, port))
        histories.write(store, SPECS)
        yield f"{request.param}://{databases.USER}@127.0.0.1:{port}/mlmd"


@pytest.fixture
def store(server, monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", databases.PASSWORD)
    return sql.SqlStore(connections.opened(f"{server}?password=env:MLMD_PASSWORD"))


def answers(store) -> list[dict]:
    return [
        answer.to_dict()
        for answer in (
            history.runs(store, "trips"),
            history.show(store, "trips", "run-00006"),
            history.champion(store, "trips"),
            history.timeline(store, "trips"),
            why.why(store, "trips", "run-00003"),
            trace.trace(store, "trips", "/serving/trips/2"),
            impact.impact(store, "trips", "file-0.csv"),
            impact.impact(store, "trips", "sha256:" + histories.sha("file", 1)),
            diff.diff(store, "trips", "/serving/trips/1", "/serving/trips/2"),
        )
    ]


def test_it_gives_the_answers_of_sqlite(store, empty_store, tmp_path):
    path = str(tmp_path / "metadata.sqlite")
    shutil.copy(empty_store, path)
    histories.write(histories.open_store(path), SPECS)
    sqlite = sql.SqlStore(connections.opened(path))

    assert timeless(answers(store)) == timeless(answers(sqlite))
    assert store.pipelines() == ["trips", "penguins"]


def timeless(value):
    """MLMD stamps its own clock on what it writes."""
    if isinstance(value, dict):
        return {
            key: "" if key in ("made", "at") and child else timeless(child)
            for key, child in value.items()
        }
    return [timeless(child) for child in value] if isinstance(value, list) else value


def test_it_is_opened_to_be_read(store):
    with pytest.raises(UsageError, match=r"(?i)read.only"):
        store._ask("delete from MLMDEnv where schema_version = ? returning 1", 1)


def test_a_wrong_password_is_told_without_it(server, monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", "wr0ng-password")
    with pytest.raises(UsageError) as error:
        connections.opened(f"{server}?password=env:MLMD_PASSWORD")

    assert f"{server}: cannot be reached" in str(error.value)
    assert "wr0ng" not in str(error.value)


def test_a_time_that_is_none_is_left_out():
    assert iso("") == ""
