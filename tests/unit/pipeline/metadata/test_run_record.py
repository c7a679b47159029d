"""What a run leaves in MLMD before its first node and when it ends."""

from __future__ import annotations

import json

import pytest
from tfx.orchestration import metadata
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import pipeline_pb2

from pipeline import recorded
from pipeline.config import config as config_lib
from pipeline.lineage import history, orphans
from pipeline.local.run import LocalRun
from pipeline.local.selection import Selection
from pipeline.metadata import connections, process, sql
from pipeline.metadata.run_record import Record
from tests import histories
from tests.histories import Spec

CHANNEL = (
    "notifications.channels={team: {kind: webhook, url: 'env:TEAM_WEBHOOK', "
    "key: 'env:TEAM_KEY'}}"
)


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("TEAM_WEBHOOK", "https://hooks.example/s3cret-token")
    monkeypatch.setenv("TEAM_KEY", "s3cret-key")
    return config_lib.load((), (f"output_root={tmp_path}", CHANNEL), "local").config


@pytest.fixture
def begun(config):
    record = Record(config, "20261125-000000-abcd")
    facts = LocalRun(config, [], Selection(), (), "0" * 64)._words_of_the_start(
        "schedule nightly"
    )
    record.begin_run({**facts, recorded.RunKey.PIPELINE: config.pipeline_name})
    return record


def shown(config) -> dict:
    store = sql.SqlStore(connections.opened(config.metadata_path))
    return history.show(store, config.pipeline_name, "latest").value


def test_a_run_that_is_killed_at_once_still_explains_itself(config, begun, monkeypatch):
    assert shown(config)["outcome"] == "RUNNING"
    monkeypatch.setattr(process, "lives", lambda recorded: False)

    value = shown(config)

    assert value["outcome"] == "CUT OFF"
    assert value["trigger"] == "schedule nightly"
    assert value["config"]["pipeline_name"] == "chicago-taxi"
    assert value["commit"]


def test_references_to_secrets_are_recorded_and_secrets_are_not(config, begun):
    text = json.dumps(shown(config))
    with open(config.metadata_path, "rb") as file:
        store = file.read()

    assert "env:TEAM_WEBHOOK" in text
    assert b"s3cret" not in store


def test_tfx_finds_the_contexts_and_makes_no_others(config, begun):
    spec = pipeline_pb2.NodeContexts()
    for type_, name in (
        ("pipeline", config.pipeline_name),
        ("pipeline_run", "20261125-000000-abcd"),
    ):
        context = spec.contexts.add()
        context.type.name = type_
        context.name.field_value.string_value = name
    connection = metadata.sqlite_metadata_connection_config(config.metadata_path)

    with metadata.Metadata(connection) as handle:
        context_lib.prepare_contexts(handle, spec)

    assert len(begun.store.get_contexts()) == 2


def test_the_end_is_added_to_the_beginning(config, begun):
    begun.describe_run({recorded.RunKey.OUTCOME: "SUCCEEDED"})

    value = shown(config)

    assert value["outcome"] == "SUCCEEDED"
    assert value["trigger"] == "schedule nightly"


def test_what_the_cache_saved_is_what_the_node_took_and_not_its_whole_run(config):
    """The run's end is written to each of its executions."""
    store = histories.open_store(config.metadata_path)
    specs = [Spec(pipeline=config.pipeline_name) for _ in range(2)]
    histories.write(store, specs)
    by_node = Record(config, "").executions_of("ExampleGen")
    cached, made = [execution.id for execution in by_node]
    record = Record(config, "")

    record.describe_work(made, 7.5, None)

    assert record.saved_seconds(cached) == 7.5


def test_the_evidence_of_refused_data_is_no_orphan(config, begun):
    validator = begun.begin_execution("SchemaValidator", {}, {})

    begun.keep_evidence(validator, {"train": b"anomalies"})

    store = sql.SqlStore(connections.opened(config.metadata_path))
    _, plan = orphans.orphans(
        store, config.pipeline_name, config.artifacts_path, config.serving_path
    )
    assert plan.folders == ()
