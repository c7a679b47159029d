"""Which code each node executes; what must and must not re-run it."""

from __future__ import annotations

import ast
import shutil

import pytest

from pipeline import nodes as nodes_lib
from pipeline.code import fingerprint
from pipeline.errors import UsageError

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
        for node in nodes_lib.MODULES
    }


def changed_by(file) -> set[str]:
    """The nodes whose digest changes when the file does."""
    return changed_to(file, file.read_bytes() + b"\nEDIT = 1\n")


def changed_to(file, content: bytes) -> set[str]:
    """The same, for a file that becomes another."""
    before = digests()
    file.write_bytes(content)
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
    assert changed_by(tree / "pipeline" / "serving" / "check.py") == {"Pusher"}


def test_the_verdict_is_the_evaluators_alone(tree):
    assert changed_by(tree / "pipeline" / "evaluation" / "judge.py") == {"Evaluator"}


def test_the_runners_are_no_nodes_code(tree):
    assert changed_by(tree / "pipeline" / "local" / "run.py") == set()


def test_the_lock_is_every_nodes(tree):
    assert changed_by(tree / LOCK) == set(nodes_lib.MODULES)


def test_nodes_before_transform_hold_no_training_code():
    for node in ("ExampleGen", "StatisticsGen", "SchemaValidator"):
        assert packages(node) <= {"pipeline", "requirements"}, node
    assert packages("Transform") == {"pipeline", "transform", "requirements"}
    assert packages("Trainer") == {"trainer", "models", "transform", "requirements"}


def test_statistics_depend_on_no_other_component():
    files = set(fingerprint.code_files("StatisticsGen"))

    assert {file for file in files if file.startswith("pipeline/components/")} == {
        "pipeline/components/statistics.py",
    }


def test_all_code_is_that_of_every_node_and_of_the_graph(tree):
    every = {
        file for node in nodes_lib.MODULES for file in fingerprint.code_files(node)
    }
    before = fingerprint.all_code_files()
    graph = tree / "pipeline" / "pipeline.py"
    graph.write_text(graph.read_text() + "\nEDIT = 1\n")
    after = fingerprint.all_code_files()

    assert every <= set(before)
    assert {file for file in before if before[file] != after[file]} == {
        "pipeline/pipeline.py"
    }


def test_a_package_around_a_module_is_executed_too(tree):
    package = tree / "trainer" / "__init__.py"

    assert "trainer/__init__.py" not in fingerprint.code_files("Trainer")  # prose
    assert changed_by(package) == {"Trainer"}
    assert "trainer/__init__.py" in fingerprint.code_files("Trainer")


PROSE = {
    "a remark": (b"\ndef ", b"\n# a remark\ndef "),
    "a blank line": (b"\ndef ", b"\n\n\ndef "),
    "the docstring of the module": (b'"""', b'"""Put differently: '),
}


@pytest.mark.parametrize("prose", PROSE)
def test_prose_in_any_file_changes_no_node(tree, prose):
    old, new = PROSE[prose]
    before, files = digests(), sorted(tree.rglob("*.py"))

    for file in files:
        file.write_bytes(file.read_bytes().replace(old, new, 1))

    assert len(files) > 200
    assert digests() == before


EVERYWHERE = (
    "pipeline/notifications/message.py",
    "pipeline/config/vertex.py",
    "pipeline/components/pusher.py",
    "pipeline/evaluation/judge.py",
    "pipeline/registry/local.py",
    "pipeline/gcp/registry.py",
    "pipeline/data/reading.py",
    "trainer/fit.py",
    "transform/preprocessing.py",
    "models/dnn.py",
)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_docstring_of_a_file_may_change(tree, name):
    """Those of functions, classes and attributes, too, as Python's parser sees them."""
    file = tree / name
    lines = file.read_text().splitlines()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines[node.lineno - 1] = lines[node.lineno - 1].replace('"""', '"""So: ', 1)
    assert sum('"""So: ' in line for line in lines) > 1

    assert changed_to(file, "\n".join(lines).encode()) == set()


def test_a_literal_a_name_and_a_statement_change_it(tree):
    fit = tree / "trainer" / "fit.py"
    source = fit.read_bytes()
    edits = {
        "literal": source + b"\ndef f(x):\n    return 1\n",
        "another literal": source + b"\ndef f(x):\n    return 2\n",
        "name": source + b"\ndef f(y):\n    return 2\n",
        "statement": source + b"\ndef f(y):\n    y += 1\n    return 2\n",
        "text that is used": source + b"\ndef f(y):\n    return 'text'\n",
        "another text": source + b"\ndef f(y):\n    return 'texts'\n",
    }

    assert [changed_to(fit, content) for content in edits.values()] == (
        [{"Trainer"}] * len(edits)
    )


@pytest.mark.parametrize(
    ("file", "nodes"),
    [
        ("pipeline/notifications/message.py", {"Notifier"}),
        ("pipeline/config/notifications.py", {"Notifier"}),
        ("pipeline/config/config.py", set()),
        ("pipeline/config/vertex.py", set()),
        ("pipeline/config/beam.py", set()),
        ("pipeline/config/data.py", set()),
        ("pipeline/config/evaluation.py", {"Evaluator"}),
        ("pipeline/commands/models.py", set()),
        ("pipeline/reports/html.py", set()),
        ("pipeline/lineage/trace.py", set()),
        ("pipeline/vertex/job/compile.py", set()),
        ("pipeline/platforms/settings.py", set()),
    ],
)
def test_an_edit_re_runs_only_the_nodes_that_execute_it(tree, file, nodes):
    assert changed_by(tree / file) == nodes


def test_a_template_of_a_mail_or_of_the_report_re_runs_no_node(tree):
    found = sorted(tree.rglob("templates/*"))
    templates = [file for file in found if file.is_file() and file.suffix != ".py"]

    assert len(templates) > 3
    for template in templates:
        assert changed_by(template) == set()


def test_a_file_that_is_not_python_is_named_with_its_line(tree):
    (tree / "trainer" / "fit.py").write_text("def f(:\n")

    with pytest.raises(UsageError, match=r"trainer/fit\.py, line 1: is not Python"):
        fingerprint.code_files("Trainer")


def test_an_import_inside_a_function_counts(tree):
    (tree / "trainer" / "late.py").write_text("LATE = 1\n")
    fit = tree / "trainer" / "fit.py"
    fit.write_text(fit.read_text() + "\ndef f():\n    from trainer import late\n")

    assert "trainer/late.py" in fingerprint.code_files("Trainer")


def test_the_digest_of_unchanged_files_stays(tree):
    assert digests() == digests()


def test_every_module_a_node_enters_exists():
    for node, modules in nodes_lib.MODULES.items():
        files = fingerprint.code_files(node)

        for module in modules:
            assert f"{module.replace('.', '/')}.py" in files, node
