"""MLMD on a server holds what it holds in SQLite, and runs nobody's text as SQL."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.config import metadata as metadata_config
from pipeline.errors import StoreAway, UsageError
from pipeline.metadata import connections, library, sql
from tests import histories

# PostgreSQL compresses what it indexes; digests it cannot.
LONG = "'\"".join(histories.sha(n) for n in range(400))
TEXTS = {
    "plain": "the config: 'x' \"y\" 100 %",
    "backslash": r'{"pattern": "\\d+", "text": "a\nb"} \'',
    "sql": "\\ , 1); drop table Type; --",
    "long": LONG,
    "long and odd": LONG + "\\",
    "words": "Ünïcödé 日本語 🚀\nnext line",
}


@pytest.fixture
def store(empty_database):
    return library.opened(empty_database.uri)


@pytest.fixture
def reading(empty_database):
    opened = connections.opened(empty_database.uri)
    with contextlib.closing(opened):
        yield sql.SqlStore(opened)


def written(store) -> mlmd.Context:
    """A run with all these texts, in a pipeline."""
    ids = {}
    for kind, name in (("pipeline", "trips"), ("pipeline_run", "run-1")):
        type_id = store.put_context_type(mlmd.ContextType(name=kind))
        context = mlmd.Context(type_id=type_id, name=name)
        for key, text in TEXTS.items():
            context.custom_properties[key].string_value = text
        [ids[kind]] = store.put_contexts([context])
    store.put_parent_contexts(
        [mlmd.ParentContext(child_id=ids["pipeline_run"], parent_id=ids["pipeline"])]
    )
    return store.get_context_by_type_and_name("pipeline_run", "run-1")


def test_any_text_of_any_length_comes_back_as_it_was(store):
    found = written(store).custom_properties

    assert {key: value.string_value for key, value in found.items()} == TEXTS


def test_sql_reads_the_same_texts(store, reading):
    written(store)

    assert reading.run("trips", "run-1").properties == TEXTS
    assert reading.runs("trips", ("long",))[0].properties == {"long": LONG}


def test_a_text_is_written_anew(store):
    run = written(store)
    run.custom_properties["long"].string_value = "short now"
    store.put_contexts([run])

    again = store.get_context_by_type_and_name("pipeline_run", "run-1")
    assert again.custom_properties["long"].string_value == "short now"
    assert again.custom_properties["backslash"].string_value == TEXTS["backslash"]


def test_texts_of_executions_and_artifacts_are_kept_too(store):
    execution = mlmd.Execution(type_id=store.put_execution_type(_TRAINER))
    artifact = mlmd.Artifact(type_id=store.put_artifact_type(_MODEL), uri="/models/1")
    for each in (execution, artifact):
        for key, text in TEXTS.items():
            each.custom_properties[key].string_value = text
    event = mlmd.Event(type=mlmd.Event.OUTPUT)
    made, [uri_of], _ = store.put_execution(execution, [(artifact, event)], [])

    for found in (*store.get_executions_by_id([made]), *store.get_artifacts()):
        texts = {k: v.string_value for k, v in found.custom_properties.items()}
        assert texts == TEXTS
    assert store.get_artifacts_by_uri("/models/1")[0].id == uri_of


_TRAINER, _MODEL = mlmd.ExecutionType(name="Trainer"), mlmd.ArtifactType(name="Model")


def test_data_is_found_by_a_name_in_a_long_list_of_files(store, reading):
    context = mlmd.Context(type_id=store.put_context_type(_PIPELINE), name="trips")
    type_id = store.put_artifact_type(mlmd.ArtifactType(name="Examples"))
    execution = mlmd.Execution(type_id=store.put_execution_type(_TRAINER))
    artifact = mlmd.Artifact(type_id=type_id, uri="/examples/1")
    artifact.custom_properties["files"].string_value = f"{LONG} march_1.csv {LONG}"
    event = mlmd.Event(type=mlmd.Event.OUTPUT)
    store.put_execution(execution, [(artifact, event)], [context])

    assert reading.containing("trips", "Examples", "files", " march_1.csv ") == ["1"]
    assert reading.containing("trips", "Examples", "files", " march%1.csv ") == []


_PIPELINE = mlmd.ContextType(name="pipeline")


def test_a_backslash_in_a_uri_or_a_name_never_reaches_postgresql_as_sql(
    store, empty_database
):
    artifact = mlmd.Artifact(
        type_id=store.put_artifact_type(_MODEL), uri="\\ , 2, null); drop table Type;--"
    )
    named = mlmd.Context(type_id=store.put_context_type(_PIPELINE), name="a\\b")
    if empty_database.kind == "mysql":
        store.put_artifacts([artifact])
        store.put_contexts([named])
        assert store.get_artifacts()[0].uri == artifact.uri
        return

    for put, each in ((store.put_artifacts, artifact), (store.put_contexts, named)):
        with pytest.raises(UsageError, match="cannot hold a backslash in a name or U"):
            put([each])
    assert [found.name for found in store.get_artifact_types()] == ["Model"]


def test_a_connection_that_idled_too_long_is_made_anew(
    store, empty_database, monkeypatch
):
    written(store)
    monkeypatch.setattr(library, "_IDLE_S", -1.0)
    kill = {
        "mysql": "select concat('kill ', id) from information_schema.processlist "
        "where id != connection_id() and command = 'Sleep'",
        "postgresql": "select pg_terminate_backend(pid) from pg_stat_activity "
        "where pid != pg_backend_pid() and datname = current_database()",
    }[empty_database.kind]
    rows = empty_database.execute(kill)
    if empty_database.kind == "mysql":
        empty_database.execute(*(statement for (statement,) in rows))

    assert store.get_context_by_type_and_name("pipeline_run", "run-1")


def test_first_runs_at_once_all_find_a_whole_store(empty_database):
    first = "from pipeline.metadata import library; library.opened"
    command = [sys.executable, "-c", f"{first}({empty_database.uri!r})"]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]

    ends = [(each.communicate()[1], each.returncode) for each in started]

    assert [code for _, code in ends] == [0, 0, 0], ends
    assert empty_database.execute("select schema_version from MLMDEnv") == [(10,)]


def test_a_database_of_something_else_is_left_alone(empty_database):
    empty_database.execute("create table customers (id int)")

    with pytest.raises(UsageError, match="is not a metadata store of MLMD"):
        library.opened(empty_database.uri)
    assert empty_database.dump() == "{'customers': []}"


def test_an_older_schema_is_refused_and_stays_as_it_is(store, empty_database):
    empty_database.execute("update MLMDEnv set schema_version = 8")
    before = empty_database.dump()

    with pytest.raises(UsageError, match=r"schema version 8; this reads 10.*upgrade"):
        library.opened(empty_database.uri)
    assert empty_database.dump() == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("env:MLMD_PASSWORD", "env:WRONG_PASSWORD", "denied|authentication failed"),
        ("/mlmd?", "/other?", "nknown database|denied|does not exist"),
        ("127.0.0.1", "no-such-host.invalid", "no-such-host.invalid"),
    ],
)
def test_a_wrong_setting_is_a_mistake_and_names_no_password(
    database, monkeypatch, old, new, words
):
    monkeypatch.setenv("WRONG_PASSWORD", "wr0ng-one")
    uri = database.uri.replace(old, new)

    with pytest.raises(UsageError, match=words) as error:
        library.opened(uri)
    assert "wr0ng-one" not in str(error.value)
    assert "metadata.store" in str(error.value)


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_a_server_that_is_away_may_come_back(kind, monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", "s3cret-word")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(StoreAway, match="cannot be reached") as error:
            library.opened(
                f"{kind}://ada@127.0.0.1:{port}/x?password=env:MLMD_PASSWORD"
            )

    assert "s3cret-word" not in str(error.value)


def test_a_socket_is_where_the_library_looks_for_it():
    def connected(uri: str) -> mlmd.ConnectionConfig:
        return library.connection(metadata_config.address(uri))

    mysql = connected("mysql://ada@localhost/mlmd?socket=/run/mysqld/mysqld.sock").mysql
    postgresql = connected(
        "postgresql://ada@localhost:5433/mlmd?socket=/run/pg/.s.PGSQL.5433"
    ).postgresql

    assert (mysql.socket, mysql.host) == ("/run/mysqld/mysqld.sock", "")
    assert (postgresql.host, postgresql.port) == ("/run/pg", "5433")
