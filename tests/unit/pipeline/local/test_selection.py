"""Which nodes of the graph a run is about."""

from __future__ import annotations

import json

import pytest

from pipeline import nodes as nodes_lib
from pipeline.config import config as config_lib
from pipeline.errors import UsageError
from pipeline.local import selection
from pipeline.local.selection import Selection


@pytest.fixture
def config(tmp_path):
    return config_lib.load(overrides=[f"output_root={tmp_path}"]).config


@pytest.fixture
def ran(tmp_path, config):
    """Leaves a run behind: its first nodes in that state, the others waiting."""

    def ran(run_id: str, count: int, state: str = "done", pipeline: str = "") -> str:
        folder = tmp_path / "runs" / run_id
        folder.mkdir(parents=True)
        nodes = [
            {"id": node, "state": state if index < count else "waiting"}
            for index, node in enumerate(selection.NODES)
        ]
        name = pipeline or config.pipeline_name
        summary = {"run_id": run_id, "pipeline": name, "nodes": nodes}
        (folder / "summary.json").write_text(json.dumps(summary))
        return run_id

    return ran


def test_the_nodes_are_those_of_the_graph():
    assert list(nodes_lib.MODULES) == list(selection.NODES)


def test_a_name_that_is_no_node_is_refused():
    with pytest.raises(UsageError, match=r"^'Train' is not a node here\. Known: Exa"):
        Selection(to_nodes=("Train",))


def test_a_selection_of_nothing_is_the_whole_graph(config):
    assert not Selection().is_partial
    assert Selection(to_nodes=("Trainer",)).is_partial
    assert Selection(to_nodes=("Trainer",)).base_run(config) is None


@pytest.mark.parametrize("state", ["done", "cached", "reused"])
def test_the_base_is_the_newest_run_that_has_every_node_before(config, ran, state):
    ran("20260101-000000-aaaa", 9, state)
    newest = ran("20260102-000000-aaaa", 4, state)
    ran("20260103-000000-aaaa", 3, state)

    assert Selection(from_nodes=("Trainer",)).base_run(config) == newest


def test_a_run_of_another_pipeline_is_no_base(config, ran):
    ran("20260101-000000-aaaa", 9, pipeline="other")

    with pytest.raises(UsageError) as caught:
        Selection(from_nodes=("Trainer",)).base_run(config)

    assert str(caught.value) == (
        "--from Trainer reuses an earlier run's nodes before it, and no run in "
        f"{config.output_root} has them. Run once without --from."
    )


def test_failed_and_cut_off_runs_are_no_base(config, ran, tmp_path):
    ran("20260101-000000-aaaa", 9, "failed")
    (tmp_path / "runs" / "20260102-000000-aaaa").mkdir()

    with pytest.raises(UsageError, match="Run once without --from"):
        Selection(from_nodes=("Trainer",)).base_run(config)
