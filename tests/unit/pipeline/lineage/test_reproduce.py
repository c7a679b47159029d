"""What it takes to make a model again, and when that is refused before it starts."""

from __future__ import annotations

import subprocess

import pytest

from pipeline import content
from pipeline.errors import UsageError
from pipeline.lineage import reproduce
from tests.histories import Spec


def test_the_commit_and_the_lock_are_those_of_the_run(recorded):
    answer = reproduce.reproduce(recorded(Spec()), "trips", "run-00001")

    assert answer.value["exact"]
    assert answer.notes == ()
    assert any(answer.value["commit"] in line for line in answer.value["commands"])


def test_a_dirty_tree_is_told_with_the_digest_of_its_difference(recorded):
    answer = reproduce.reproduce(recorded(Spec(dirty=True)), "trips", "run-00001")

    assert not answer.value["exact"]
    assert "the tree was dirty" in answer.notes[0]
    assert answer.value["diff_digest"][:12] in answer.notes[0]


def test_paths_of_the_code_move_to_the_clone_and_others_stay(tmp_path):
    clone = tmp_path / "clone"
    (clone / "transform").mkdir(parents=True)
    (clone / "transform" / "schema.pbtxt").touch()
    config = {
        "output_root": "/old/output",
        "data": {
            "schema_file": "/old/transform/schema.pbtxt",
            "path": "/data/in",
            "more": ["/old/.venv/lib/data.csv", "/older/x", 7],
        },
    }

    found = reproduce.moved(config, "/old", str(clone), "/new/output")

    assert found == {
        "output_root": "/new/output",
        "data": {
            "schema_file": f"{clone}/transform/schema.pbtxt",
            "path": "/data/in",
            "more": ["/old/.venv/lib/data.csv", "/older/x", 7],
        },
    }


@pytest.fixture
def answer(tmp_path):
    """A recorded model whose one file is there."""
    file = tmp_path / "data.csv"
    file.write_text("a\n1\n")
    return {
        "model": {"artifact": "7"},
        "run": "run-1",
        "commit": "0" * 40,
        "lock_digest": "1" * 64,
        "files": [{"path": str(file), **content.of_file(str(file))}],
        "metrics": {"auc": 0.9},
        "config": {},
        "root": "/old",
    }


def test_data_that_changed_or_is_gone_is_refused_before_anything_is_cloned(
    answer, tmp_path
):
    answer["files"].append({"path": "/gone.csv", "size": 1, "sha256": "2"})
    (tmp_path / "data.csv").write_text("a\n2\n")

    with pytest.raises(UsageError) as error:
        reproduce.carry_out(answer, "/nowhere", str(tmp_path / "work"), 0.01)

    assert "data.csv has changed" in str(error.value)
    assert "/gone.csv is missing" in str(error.value)
    assert not (tmp_path / "work").exists()


def test_a_commit_that_the_repository_has_not_is_refused(answer, tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path / "source"], check=True)

    with pytest.raises(UsageError, match="checkout"):
        reproduce.carry_out(
            answer, str(tmp_path / "source"), str(tmp_path / "work"), 0.01
        )


@pytest.mark.parametrize(
    ("now", "same"),
    [({"auc": 0.905}, True), ({"auc": 0.92}, False), ({}, False)],
)
def test_metrics_are_the_same_within_the_tolerance(answer, now, same):
    compared = reproduce._compared(answer, now, 0.01)

    assert compared.value["same"] is same
    assert compared.good is same
