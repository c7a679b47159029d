"""Which code each node executes; what must and must not re-run it."""

from __future__ import annotations

import shutil

import pytest

from pipeline import fingerprint

LOCK = "requirements/main.lock"


@pytest.fixture
def tree(repository, tmp_path, monkeypatch):
    """A copy of the sources that a test may change."""
    for package in fingerprint.PACKAGES:
        shutil.copytree(repository / package, tmp_path / package)
    (tmp_path / "requirements").mkdir()
    shutil.copy(repository / LOCK, tmp_path / LOCK)
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    monkeypatch.setattr(fingerprint, "LOCK", tmp_path / LOCK)
    fingerprint._file.cache_clear()
    yield tmp_path
    fingerprint._file.cache_clear()


def digests() -> dict[str, str]:
    return {
        node: fingerprint.code_digest(fingerprint.code_files(node))
        for node in fingerprint.NODE_MODULES
    }


def changed_by(file) -> set[str]:
    """The nodes whose digest changes when the file does."""
    before = digests()
    file.write_bytes(file.read_bytes() + b"\n")
    after = digests()
    return {node for node in before if before[node] != after[node]}


def packages(node: str) -> set[str]:
    return {file.split("/")[0] for file in fingerprint.code_files(node)}


def test_a_training_file_is_the_trainers_alone(tree):
    assert changed_by(tree / "trainer" / "fit.py") == {"Trainer"}


def test_an_architecture_is_the_trainers_alone(tree):
    assert changed_by(tree / "models" / "dnn.py") == {"Trainer"}


def test_the_feature_graph_is_transforms(tree):
    changed = changed_by(tree / "transform" / "preprocessing.py")

    assert "Transform" in changed
    assert not {"ExampleGen", "StatisticsGen", "SchemaValidator"} & changed


def test_the_features_roles_are_transforms_and_the_trainers(tree):
    changed = changed_by(tree / "transform" / "features.py")

    assert {"Transform", "Trainer"} <= changed
    assert not {"ExampleGen", "StatisticsGen", "SchemaValidator"} & changed


def test_the_serving_check_is_the_pushers_alone(tree):
    assert changed_by(tree / "pipeline" / "serving_check.py") == {"Pusher"}


def test_the_verdict_is_the_evaluators_alone(tree):
    assert changed_by(tree / "pipeline" / "verdict.py") == {"Evaluator"}


def test_the_runners_are_no_nodes_code(tree):
    assert changed_by(tree / "pipeline" / "runners" / "local.py") == set()


def test_the_lock_is_every_nodes(tree):
    assert changed_by(tree / LOCK) == set(fingerprint.NODE_MODULES)


def test_nodes_before_transform_hold_no_training_code():
    for node in ("ExampleGen", "StatisticsGen", "SchemaValidator"):
        assert packages(node) <= {"pipeline", "requirements"}, node
    assert packages("Transform") == {"transform", "requirements"}
    assert packages("Trainer") == {"trainer", "models", "transform", "requirements"}


def test_statistics_depend_on_no_other_component():
    files = set(fingerprint.code_files("StatisticsGen"))

    assert {file for file in files if file.startswith("pipeline/components/")} == {
        "pipeline/components/__init__.py",
        "pipeline/components/statistics.py",
    }


def test_all_code_is_that_of_every_node_and_of_the_graph(tree):
    every = {
        file
        for node in fingerprint.NODE_MODULES
        for file in fingerprint.code_files(node)
    }
    before = fingerprint.all_code_files()
    graph = tree / "pipeline" / "pipeline.py"
    graph.write_text(graph.read_text() + "\n# an edit\n")
    after = fingerprint.all_code_files()

    assert every <= set(before)
    assert {file for file in before if before[file] != after[file]} == {
        "pipeline/pipeline.py"
    }


def test_a_package_around_a_module_is_executed_too():
    assert {"trainer/__init__.py", "models/__init__.py", "transform/__init__.py"} <= (
        set(fingerprint.code_files("Trainer"))
    )


def test_an_import_inside_a_function_counts(tree):
    (tree / "trainer" / "late.py").write_text("")
    fit = tree / "trainer" / "fit.py"
    fit.write_text(fit.read_text() + "\ndef f():\n    from trainer import late\n")

    assert "trainer/late.py" in fingerprint.code_files("Trainer")


def test_the_digest_of_unchanged_files_stays(tree):
    assert digests() == digests()


def test_every_module_a_node_enters_exists():
    for node, modules in fingerprint.NODE_MODULES.items():
        files = fingerprint.code_files(node)

        for module in modules:
            assert f"{module.replace('.', '/')}.py" in files, node
