"""Two machines record in one database, and neither mends what the other one made."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration.portable import cache_utils

from pipeline import recorded
from pipeline.config import config
from pipeline.errors import BusyError
from pipeline.lineage import orphans, retention
from pipeline.local import launch
from pipeline.metadata import connections, library, ownership, sql
from pipeline.metadata.run_record import Record
from pipeline.registry.local import LocalRegistry
from tests import histories
from tests.histories import Spec

HERE, THERE = "run-00001", "run-00002"


class Machine:
    """An output root that records in the database."""

    def __init__(self, folder: Path, database) -> None:
        sets = [f"output_root={folder}", "pipeline_name=trips"]
        store = f"metadata.store={database.uri}"
        self.config = config.load((), [*sets, store], platform="local").config
        Path(folder).mkdir()
        self.id = ownership.root_id(str(folder))
        self.registry = LocalRegistry(self.config.serving_path, "trips")

    def plan(self, keep_last: int) -> retention.Plan:
        with contextlib.closing(connections.opened(self.config.store)) as opened:
            keeper = retention.Retention(
                sql.SqlStore(opened), self.config, self.registry
            )
            return keeper.plan(keep_last, False)

    def orphans(self) -> orphans.Plan:
        with contextlib.closing(connections.opened(self.config.store)) as opened:
            store = sql.SqlStore(opened)
            owner = ownership.Owner(store, self.config)
            places = (self.config.artifacts_path, self.config.serving_path)
            return orphans.orphans(store, "trips", *places, owner)[1]


@pytest.fixture
def machine(empty_database, tmp_path):
    """Ours, of two that each cut off a run at the Trainer and have other data.

    No file of either is on this disk.
    """
    ours = Machine(tmp_path / "ours", empty_database)
    theirs = Machine(tmp_path / "theirs", empty_database)
    store = library.opened(empty_database.uri)
    specs = [Spec(files=(n,), ends_at="Trainer", cut_off=True) for n in range(2)]
    histories.write(store, specs)
    for run, owner in ((HERE, ours), (THERE, theirs)):
        context = store.get_context_by_type_and_name("pipeline_run", run)
        facts = context.custom_properties
        facts[recorded.RunKey.OUTPUT_ROOT].string_value = owner.id
        store.put_contexts([context])
    return ours


def states(record, run: str) -> set[str]:
    [context] = [c for c in record.store.get_contexts() if c.name == run]
    found = record.store.get_executions_by_context(context.id)
    return {mlmd.Execution.State.Name(each.last_known_state) for each in found}


def live_of(record, run: str) -> int:
    [context] = [c for c in record.store.get_contexts() if c.name == run]
    found = record.store.get_artifacts_by_context(context.id)
    return sum(artifact.state == mlmd.Artifact.LIVE for artifact in found)


def test_what_is_at_work_on_another_machine_is_not_closed(machine):
    record = Record(machine.config, "next")

    record.close_open("FAILED")

    assert states(record, HERE) == {"COMPLETE", "FAILED"}
    assert states(record, THERE) == {"COMPLETE", "RUNNING"}


def test_files_of_another_machine_are_not_said_to_be_deleted(machine):
    record = Record(machine.config, "next")

    gone = record.forget_missing()

    assert {uri.rpartition("/")[2] for uri in gone} == {"1"}
    assert live_of(record, HERE) == 0
    assert live_of(record, THERE) == len(gone)


def test_what_was_taken_from_the_other_ones_cache_stays_theirs(machine):
    store = library.opened(machine.config.store)
    [theirs] = [c for c in store.get_contexts() if c.name == THERE]
    [taken, *_] = store.get_artifacts_by_context(theirs.id)
    contexts = [c for c in store.get_contexts() if c.name in (HERE, "trips")]
    cached = mlmd.Execution(
        type_id=store.get_execution_types()[0].id,
        last_known_state=mlmd.Execution.CACHED,
    )
    event = mlmd.Event(type=mlmd.Event.OUTPUT)
    store.put_execution(cached, [(taken, event)], contexts)

    Record(machine.config, "next").forget_missing()

    assert store.get_artifacts_by_id([taken.id])[0].state == mlmd.Artifact.LIVE


def test_the_cache_offers_what_another_machine_made_when_its_files_are_here(
    machine, tmp_path
):
    store = library.opened(machine.config.store)
    known = mlmd.Execution(
        type_id=store.get_execution_types()[0].id,
        last_known_state=mlmd.Execution.COMPLETE,
    )
    model = mlmd.Artifact(
        type_id=store.get_artifact_type("Model").id,
        uri=str(tmp_path / "shared" / "model"),
        state=mlmd.Artifact.LIVE,
    )
    event = mlmd.Event(type=mlmd.Event.OUTPUT)
    event.path.steps.add().key = "model"
    event.path.steps.add().index = 0
    key = mlmd.Context(
        type_id=store.put_context_type(mlmd.ContextType(name="execution_cache")),
        name="key",
    )
    store.put_execution(known, [(model, event)], [key])
    [key] = store.get_contexts_by_type("execution_cache")

    before = cache_utils.get_cached_outputs(launch.Handle(store), key)
    Path(model.uri).mkdir(parents=True)
    after = cache_utils.get_cached_outputs(launch.Handle(store), key)

    assert before is None
    assert [artifact.uri for artifact in after["model"]] == [model.uri]


def test_orphans_are_this_roots_alone(machine):
    plan = machine.orphans()

    orphans.fix(machine.config.store, plan)

    record = Record(machine.config, "next")
    assert live_of(record, HERE) == 0
    assert live_of(record, THERE) == len(plan.artifacts)


def test_gc_counts_this_roots_runs_and_keeps_what_others_use(machine):
    assert machine.plan(keep_last=0).runs == (HERE,)
    assert machine.plan(keep_last=1).runs == ()


def test_a_run_that_another_machine_began_is_not_written_over(machine):
    with pytest.raises(BusyError, match=f"began a run {THERE}"):
        Record(machine.config, THERE).begin_run({})


def test_an_output_root_keeps_its_id_when_it_is_moved(tmp_path):
    (tmp_path / "old").mkdir()
    before = ownership.root_id(str(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")

    assert ownership.root_id(str(tmp_path / "new")) == before
    assert ownership.root_id(str(tmp_path)) != before
