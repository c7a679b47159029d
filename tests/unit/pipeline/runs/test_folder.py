"""The lock on the output root, the folder of each run and the list of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import BusyError, UsageError
from pipeline.runs import folder as runs
from pipeline.runs import summary
from pipeline.runs.node_run import NodeRun
from pipeline.runs.summary import RunSummary

HOLDER = """
import sys
from pipeline.runs import folder as runs
from pipeline.runs import summary
from pipeline.runs.node_run import NodeRun
from pipeline.runs.summary import RunSummary
with runs.locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(repository, output_root):
    """Another process that holds the output root until it is told to end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(output_root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
    ) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_second_holder_is_refused_and_told_who_holds_it(repository, tmp_path):
    with (
        holder(repository, tmp_path) as process,
        pytest.raises(BusyError) as caught,
        runs.locked(str(tmp_path)),
    ):
        pass

    assert str(caught.value) == (
        f"output_root: {tmp_path} is in use by process {process.pid}. Wait for it, or "
        "use another folder: --set output_root=DIR"
    )


def test_the_lock_of_a_killed_process_is_free(repository, tmp_path):
    with holder(repository, tmp_path) as process:
        process.kill()
        process.wait()

        with runs.locked(str(tmp_path)):
            taken = (tmp_path / "run.lock").read_text()

    assert taken != f"process {process.pid}"
    assert taken.startswith("process ")


def test_the_lock_is_free_after_the_run(tmp_path):
    with runs.locked(str(tmp_path)):
        pass
    with runs.locked(str(tmp_path)):
        held = (tmp_path / "run.lock").is_file()

    assert held


def test_the_lock_is_free_after_a_run_that_raised(tmp_path):
    with pytest.raises(ZeroDivisionError), runs.locked(str(tmp_path)):
        _ = 1 / 0
    with runs.locked(str(tmp_path)):
        held = (tmp_path / "run.lock").is_file()

    assert held


def test_two_output_roots_do_not_know_each_other(repository, tmp_path):
    with (
        holder(repository, tmp_path / "a"),
        runs.locked(str(tmp_path / "b")),
    ):
        held = (tmp_path / "b" / "run.lock").is_file()

    assert held


@pytest.mark.parametrize("start", [lambda p: runs.locked(p).__enter__(), runs.new_run])
def test_an_output_root_that_cannot_be_written_is_refused_in_words(tmp_path, start):
    (tmp_path / "file").write_text("")
    root = f"{tmp_path}/file/output"

    with pytest.raises(UsageError) as caught:
        start(root)

    assert str(caught.value) == (
        f"output_root: {root} cannot be written: Not a directory. "
        "Choose another folder with --set output_root=DIR"
    )


# The folder


def test_a_run_is_named_by_its_time_and_has_a_folder(tmp_path):
    folder = runs.new_run(str(tmp_path))

    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", folder.run_id)
    assert folder.path == tmp_path / "runs" / folder.run_id
    assert folder.path.is_dir()
    assert folder.log == folder.path / "run.log"


def test_json_is_written_whole_and_leaves_no_partial(tmp_path):
    folder = runs.new_run(str(tmp_path))

    folder.write_json("summary.json", {"a": 1})
    folder.write_json("summary.json", {"a": 2})

    assert [path.name for path in folder.path.iterdir()] == ["summary.json"]
    assert json.loads((folder.path / "summary.json").read_text()) == {"a": 2}


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path):
    folder = runs.new_run(str(tmp_path))
    folder.write_json("summary.json", {"a": 1})

    with pytest.raises(TypeError):
        folder.write_json("summary.json", {"a": object()})

    assert [path.name for path in folder.path.iterdir()] == ["summary.json"]
    assert json.loads((folder.path / "summary.json").read_text()) == {"a": 1}


# The list


def ended(root, run_id: str, outcome: str = "SUCCEEDED", **said) -> RunSummary:
    """A run that wrote its summary."""
    folder = root / "runs" / run_id
    folder.mkdir(parents=True)
    found = RunSummary(run_id=run_id, outcome=outcome, **said)
    runs.RunFolder(folder).write_json(summary.FILE, found.to_dict())
    return found


def test_an_output_root_without_runs_has_no_summaries(tmp_path):
    assert list(runs.newest_first(str(tmp_path))) == []


def test_summaries_come_newest_first_and_a_cut_off_run_is_unknown(tmp_path):
    old = ended(tmp_path, "20260101-000000-aaaa")
    (tmp_path / "runs" / "20260102-000000-bbbb").mkdir()
    new = ended(tmp_path, "20260103-000000-0000", "FAILED")

    found = list(runs.newest_first(str(tmp_path)))

    assert found == [
        new,
        RunSummary(run_id="20260102-000000-bbbb", outcome="UNKNOWN"),
        old,
    ]
    assert [each.was_cut_off for each in found] == [False, True, False]


def test_the_last_run_is_the_newest_or_the_one_named(tmp_path):
    old = ended(tmp_path, "20260101-000000-aaaa")
    new = ended(tmp_path, "20260103-000000-0000")

    assert runs.last(str(tmp_path)) == new
    assert runs.last(str(tmp_path), old.run_id) == old


def test_a_run_that_is_not_there_is_refused(tmp_path):
    ended(tmp_path, "20260101-000000-aaaa")

    with pytest.raises(UsageError) as caught:
        runs.last(str(tmp_path), "nope")

    assert str(caught.value) == f"there is no run nope in {tmp_path}/runs"


def test_the_configuration_of_a_run_is_read_back_as_it_was(tmp_path):
    config = config_lib.load(overrides=["training.seed=7"]).config
    folder = runs.new_run(str(tmp_path))
    folder.write_json(runs.CONFIG_FILE, config.model_dump(mode="json"))

    assert runs.config_of(str(tmp_path), folder.run_id) == config


def test_a_run_without_configuration_is_refused(tmp_path):
    folder = runs.new_run(str(tmp_path))

    with pytest.raises(UsageError) as caught:
        runs.config_of(str(tmp_path), folder.run_id)

    assert str(caught.value) == (
        f"run {folder.run_id} left no configuration at {folder.path}/config.json"
    )


def test_the_seconds_before_are_those_of_the_last_time_that_the_work_was_done(tmp_path):
    def took(run_id: str, pipeline: str, **nodes) -> None:
        states = tuple(
            NodeRun(node, state, seconds) for node, (state, seconds) in nodes.items()
        )
        ended(tmp_path, run_id, pipeline=pipeline, nodes=states)

    took("1", "trips", Trainer=("done", 30.0), Pusher=("done", 2.0))
    took("2", "trips", Trainer=("cached", 0.1), Pusher=("failed", 1.0))
    took("3", "birds", Trainer=("done", 99.0))
    took("4", "trips", Trainer=("done", 20.0))
    took("5", "trips", Trainer=("done", 10.0))

    found = runs.seconds_before(str(tmp_path), "5", "trips", ["Trainer", "Pusher"])

    assert found == {"Trainer": 20.0, "Pusher": 2.0}


def test_no_older_run_is_read_than_the_nodes_need(tmp_path):
    newer = {"id": "Trainer", "state": "done", "seconds": 20.0}
    for run_id, content in (
        ("1", "damaged"),
        (
            "2",
            json.dumps(
                {
                    "run_id": "2",
                    "outcome": "FAILED",
                    "pipeline": "trips",
                    "nodes": [newer],
                }
            ),
        ),
    ):
        folder = tmp_path / "runs" / run_id
        folder.mkdir(parents=True)
        (folder / summary.FILE).write_text(content)

    found = runs.seconds_before(str(tmp_path), "3", "trips", ["Trainer"])

    assert found == {"Trainer": 20.0}


# A store that is gone


@pytest.fixture
def config(tmp_path):
    return config_lib.load((), [f"output_root={tmp_path}"], platform="local").config


def ran(config, state: str = "done", store: str | None = None) -> None:
    """Leaves a run behind that came to its Trainer."""
    run = runs.new_run(config.output_root)
    nodes = (NodeRun("Trainer", state, 1.0),)
    run.write_json(summary.FILE, RunSummary(run_id=run.run_id, nodes=nodes).to_dict())
    run.write_json(runs.CONFIG_FILE, {"metadata": {"store": store}})


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "empty"])
def test_a_store_that_is_gone_is_not_silently_a_new_history(config, tmp_path, content):
    ran(config)
    if content is not None:
        (tmp_path / "metadata.sqlite").write_bytes(content)

    with pytest.raises(UsageError, match=r"1 run\(s\).*Put the last copy of it back"):
        runs.require_store(config)


def test_a_store_that_is_there_is_enough(config, tmp_path):
    ran(config)
    (tmp_path / "metadata.sqlite").write_bytes(b"SQLite")

    runs.require_store(config)


def test_no_store_is_missed_before_a_node_was_recorded_or_where_it_was_another(config):
    runs.require_store(config)
    ran(config, state="failed")
    ran(config, store="mysql://u@db:3306/mlmd")

    runs.require_store(config)


# What a crash left


@pytest.mark.parametrize("content", ["", '{"run_id": "7"', "[]", "null", '{"a": 1}'])
def test_a_damaged_summary_makes_its_run_unknown_and_stops_nothing(tmp_path, content):
    for run_id in ("1", "2", "3"):
        run = runs.RunFolder(tmp_path / "runs" / run_id)
        summary_of = RunSummary(run_id=run_id, outcome="SUCCEEDED")
        run.write_json(summary.FILE, summary_of.to_dict())
    (tmp_path / "runs" / "2" / summary.FILE).write_text(content)

    found = [(run.run_id, run.outcome) for run in runs.newest_first(str(tmp_path))]

    assert found == [("3", "SUCCEEDED"), ("2", "UNKNOWN"), ("1", "SUCCEEDED")]


@pytest.mark.parametrize("content", ["", '{"pipeline_name": "t"', "[]"])
def test_a_damaged_configuration_says_which(tmp_path, content):
    file = tmp_path / "runs" / "2" / runs.CONFIG_FILE
    file.parent.mkdir(parents=True)
    file.write_text(content)

    with pytest.raises(UsageError, match="configuration of run 2 cannot be read"):
        runs.config_of(str(tmp_path), "2")
