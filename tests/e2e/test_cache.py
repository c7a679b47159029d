"""What re-runs after which change; one clone, changed step by step."""

import os
from pathlib import Path

import pytest

UPSTREAM = ["ExampleGen", "StatisticsGen", "SchemaValidator", "Transform"]


def executed(ran):
    assert ran.code == 0, ran.stdout + ran.stderr
    ignored = ("BaselineResolver",)  # resolves anew in each run, in no time
    return [n for n, s in ran.states.items() if s == "done" and n not in ignored]


@pytest.fixture(scope="module")
def clone(trained):
    return trained


def test_an_unchanged_or_touched_file_or_an_unrelated_edit_re_runs_nothing(clone):
    os.utime(clone.data, (1, 1))
    clone.append("README.md", "\nunrelated\n")
    clone.append("pipeline/local/terminal.py", "UNRELATED = 1\n")

    ran = clone.run("run", "--force")

    assert executed(ran) == []
    assert sum(node["saved_s"] for node in ran.summary["nodes"]) > 5
    assert "cache saved" in ran.stdout


def test_nothing_changed_is_an_answer_that_names_its_run_and_loads_no_tensorflow(
    clone, monkeypatch
):
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    newest = sorted((clone.output / "runs").iterdir())[-1].name

    ran = clone.run()

    assert ran.code == 0, ran.stdout + ran.stderr
    assert f"SUCCEEDED: nothing changed since run {newest}; nothing was run" in (
        ran.stdout
    )
    assert "run --force --config" in ran.stdout
    assert sorted((clone.output / "runs").iterdir())[-1].name == newest
    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "pipeline.local.unchanged" in imported
    assert imported & {"tensorflow", "tfx", "apache_beam", "keras"} == set()


@pytest.mark.parametrize(
    "file",
    ["pipeline/pipeline.py", "trainer/fit.py", "pipeline/components/pusher.py"],
)
def test_prose_changes_nothing(clone, file):
    clone.append(file, '\n# a remark\n"""And a text that nothing reads."""\n')

    assert "nothing changed since" in clone.run().stdout


def test_a_removed_model_is_a_change(clone):
    [version] = (clone.output / "serving/penguins").glob("[0-9]*")
    hidden = version.rename(clone.output / "hidden")

    ran = clone.run()
    again = clone.run()

    assert executed(ran) == ["Pusher", "Notifier"]
    assert "nothing changed since" in again.stdout
    hidden.rename(version)


def test_a_champion_whose_file_was_cut_is_a_change_and_the_plain_run_heals_it(clone):
    newest = max((clone.output / "serving/penguins").glob("[0-9]*"))
    file = next(newest.glob("variables/*.data-*"))
    whole = file.read_bytes()
    file.write_bytes(b"")

    ran = clone.run()

    assert executed(ran) == ["Pusher", "Notifier"]
    assert "Pusher: damaged, so it is not taken from the cache" in ran.stdout
    healed = Path(ran.summary["same_as"])  # the one that was hidden is whole
    assert healed != newest
    assert next(healed.glob("variables/*.data-*")).read_bytes() == whole
    assert "nothing changed since" in clone.run().stdout


def test_nothing_changed_pushes_no_second_version(clone):
    versions = list((clone.output / "serving/penguins").glob("[0-9]*"))

    assert len(versions) == 2  # the one that was hidden, and its successor


@pytest.mark.parametrize(
    ("file", "node", "kept"),
    [
        ("models/dnn.py", "Trainer", "Transform"),
        ("transform/features.py", "Transform", "SchemaValidator"),
    ],
)
def test_explain_names_the_file_of_code_that_changed(clone, file, node, kept):
    before = (clone.root / file).read_bytes()
    clone.append(file, "\ndef edit() -> None: ...\n")
    try:
        lines = clone.run("cache", "explain").stdout.splitlines()
    finally:
        (clone.root / file).write_bytes(before)

    assert (
        lines[lines.index(f"{node}: miss") + 1] == f"  code {file}: changed in edit()"
    )
    assert any(line.startswith(f"{kept}: hit, from execution ") for line in lines)


def test_an_edit_in_trainer_re_runs_trainer_and_what_follows(clone):
    """It changes nothing that is learned: the model is the same, and one version."""
    versions = sorted((clone.output / "serving/penguins").glob("[0-9]*"))
    clone.append("trainer/fit.py", "\nEDIT = 1\n")

    ran = clone.run()

    assert executed(ran) == ["Trainer", "Evaluator", "Pusher", "Notifier"]
    assert sorted((clone.output / "serving/penguins").glob("[0-9]*")) == versions
    assert ran.summary["pushed"] is None
    assert Path(ran.summary["same_as"]) in versions
    assert "the same files as version" in ran.stdout


def test_an_edit_in_transform_re_runs_transform_and_what_follows(clone):
    clone.append("transform/preprocessing.py", "\nEDIT = 1\n")

    ran = clone.run("run", "--to", "Trainer")

    assert executed(ran) == ["Transform", "Trainer"]


def test_a_deleted_payload_is_a_miss_and_no_crash(clone):
    for folder in (clone.output / "artifacts/Transform/transform_graph").iterdir():
        for entry in sorted(folder.rglob("*"), reverse=True):
            entry.rmdir() if entry.is_dir() else entry.unlink()

    explained = clone.run("cache", "explain", "Transform")
    ran = clone.run("run", "--to", "Transform")

    assert "Transform: miss" in explained.stdout
    assert "transform_graph" in explained.stdout
    assert executed(ran) == ["Transform"]


def test_a_cut_shard_is_a_miss_that_is_said_and_the_plain_run_heals_it(clone):
    shards = (clone.output / "artifacts/ExampleGen/examples").glob("*/Split-train/*")
    max(shards, key=lambda shard: shard.stat().st_mtime).write_bytes(b"")

    explained = clone.run("cache", "explain", "ExampleGen")
    part = clone.run("run", "--only", "StatisticsGen")
    healing = executed(clone.run("run", "--to", "StatisticsGen"))
    after = executed(clone.run("run", "--to", "StatisticsGen"))

    assert "has 0 bytes, not" in explained.stdout
    assert part.code == 1
    assert "has 0 bytes, not" in part.stdout
    assert healing == ["ExampleGen", "StatisticsGen"]
    assert after == []


def test_one_byte_of_the_data_re_runs_all(clone):
    before = clone.data.stat()
    text = clone.data.read_text()
    clone.data.write_text(text.replace("39.1,", "39.2,", 1))
    os.utime(clone.data, (before.st_atime, before.st_mtime))

    explained = clone.run("cache", "explain", "ExampleGen")
    ran = clone.run("run", "--to", "Transform")

    assert "data input_fingerprint" in explained.stdout
    assert executed(ran) == UPSTREAM


def test_a_changed_setting_is_explained_by_its_name(clone):
    explained = clone.run("cache", "explain", "Trainer", "--set", "training.seed=7")

    assert "training.seed: was 20130101, is 7" in explained.stdout
