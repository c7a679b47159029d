"""What a node's start reads does not grow with the runs that came before."""

from __future__ import annotations

import types

import pytest
from tfx.orchestration.portable.input_resolution import channel_resolver
from tfx.orchestration.portable.mlmd import execution_lib

from pipeline.config import config
from pipeline.metadata import recent_executions, run_record
from tests import histories
from tests.histories import Spec


class Counted:
    """A store that counts the rows that it gives back."""

    def __init__(self, store) -> None:
        self._store = store
        self.rows = 0

    def __getattr__(self, name):
        asked = getattr(self._store, name)

        def counted(*arguments, **options):
            found = asked(*arguments, **options)
            self.rows += len(found) if isinstance(found, list) else 1
            return found

        return counted


class History:
    """A store of so many runs, and the contexts of the newest one's Trainer."""

    def __init__(self, folder, runs: int) -> None:
        sets = [f"output_root={folder}", "pipeline_name=trips"]
        self.config = config.load((), sets, platform="local").config
        self.store = histories.open_store(self.config.metadata_path)
        # Changing data: nothing is cached. The last one is cut off.
        specs = [Spec(files=(n,)) for n in range(runs - 1)]
        last = Spec(files=(runs,), ends_at="Trainer", cut_off=True)
        self.run = histories.write(self.store, [*specs, last])[-1]

    def contexts(self, *types_and_names: tuple[str, str]) -> list:
        get = self.store.get_context_by_type_and_name
        return [get(*each) for each in types_and_names]

    def of_node(self, node: str) -> list:
        return self.contexts(
            ("pipeline", "trips"),
            ("pipeline_run", self.run),
            ("node", f"trips.{node}"),
        )


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> History:
    return History(tmp_path_factory.mktemp("short"), 20)


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> History:
    return History(tmp_path_factory.mktemp("long"), 200)


def rows_of_a_launch(history: History) -> int:
    """As TFX's Launcher and its inputs ask, through the functions they call."""
    store = Counted(history.store)
    handle = types.SimpleNamespace(store=store)
    with recent_executions.read_first():
        execution_lib.get_executions_associated_with_all_contexts(
            handle, history.of_node("Trainer")
        )
        for node in ("ExampleGen", "Transform"):
            channel_resolver._get_executions_by_all_contexts(
                store, history.of_node(node)
            )
    return store.rows


def test_a_node_reads_as_much_after_200_runs_as_after_20(short, long):
    assert rows_of_a_launch(long) == rows_of_a_launch(short) > 0


def test_the_contexts_of_an_execution_are_asked_for_once_in_a_run(short):
    """MLMD looks through all associations of the store for them."""
    known: recent_executions.ContextIds = {}
    recent_executions.executions(short.store, short.of_node("Trainer"), known)
    store = Counted(short.store)

    recent_executions.executions(store, short.of_node("Transform"), known)

    in_the_run = len(
        recent_executions.executions(short.store, short.of_node("")[:2], {})
    )
    assert store.rows == in_the_run == 5


@pytest.mark.parametrize("node", ["ExampleGen", "Trainer", "Pusher"])
def test_it_finds_what_upstream_finds(short, node):
    contexts = short.of_node(node)

    found = recent_executions.executions(short.store, contexts, {})

    theirs = channel_resolver._get_executions_by_all_contexts(short.store, contexts)
    assert [e.id for e in found] == sorted(e.id for e in theirs)


def test_a_channel_over_all_runs_finds_them_all_from_the_nodes_context(short):
    contexts = short.contexts(("pipeline", "trips"), ("node", "trips.Trainer"))
    store = Counted(short.store)

    found = recent_executions.executions(store, contexts, {})

    assert len(found) == store.rows == 20


def test_an_execution_of_another_pipeline_in_the_run_does_not_count(short):
    contexts = [*short.of_node("Trainer")[1:], *short.contexts(("pipeline", "trips"))]
    contexts[-1].id, contexts[-1].name = 10**6, "rides"

    assert recent_executions.executions(short.store, contexts, {}) == []


def test_tfx_has_its_own_functions_back_afterwards():
    before = execution_lib.get_executions_associated_with_all_contexts
    of_channels = channel_resolver._get_executions_by_all_contexts

    with pytest.raises(ValueError, match="x"), recent_executions.read_first():
        raise ValueError("x")

    assert execution_lib.get_executions_associated_with_all_contexts is before
    assert channel_resolver._get_executions_by_all_contexts is of_channels


def test_only_open_executions_are_read_to_be_closed(short, long):
    read = []
    for history in (short, long):
        closing = run_record.Record(history.config, history.run)
        closing.store = Counted(closing.store)
        closing.close_open("FAILED")
        read.append(closing.store.rows)

    assert read[0] == read[1]
    assert run_record.Record(short.config, short.run).last_failed() is not None


def test_what_a_run_put_out_is_found_without_the_runs_before(short, long):
    read = []
    for history in (short, long):
        asked = run_record.Record(history.config, history.run)
        asked.store = Counted(asked.store)
        assert asked.outputs_of("ExampleGen")["examples"]
        assert asked.parameters_of("ExampleGen")
        assert asked.outputs_of("Pusher") == {}  # the run was cut off before it
        read.append(asked.store.rows)

    assert read[0] == read[1]


def test_only_live_artifacts_are_looked_at(long):
    looking = run_record.Record(long.config, long.run)
    assert looking.forget_missing()
    looking.store = Counted(looking.store)

    assert looking.forget_missing() == []

    assert looking.store.rows == 1  # the pipeline's context
