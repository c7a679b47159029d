"""The rules between the packages, held as pyproject.toml writes them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("pipeline", "trainer", "models", "transform")


@pytest.fixture
def sources(repository) -> dict[Path, ast.Module]:
    """Every module of the packages, parsed."""
    files = [file for name in PACKAGES for file in (repository / name).rglob("*.py")]
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}


def imported(tree: ast.Module) -> set[str]:
    """Every name that a module imports, however deep in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            names.add(str(node.module))
    return names


def dotted(tree: ast.Module) -> set[str]:
    """Every attribute access as text, such as `tf.keras`."""
    return {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


def test_the_import_directions_hold(repository):
    """Each contract of pyproject.toml, as `make check` sees it."""
    tool = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [str(tool), "--no-cache"], cwd=repository, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_google_s_clients_are_imported_in_one_package_and_by_the_pubsub_channel(
    repository, sources
):
    """import-linter sees `google` whole, and protobuf is everybody's."""
    clients = ("google.cloud", "google.auth", "google.api_core")

    importers = {
        str(file.relative_to(repository))
        for file, tree in sources.items()
        if any(name.startswith(clients) for name in imported(tree))
    }

    outside = {file for file in importers if not file.startswith("pipeline/gcp/")}
    assert len(importers) > 10
    assert outside == {"pipeline/notifications/channels.py"}


def test_few_modules_lie_loose_in_the_pipeline(repository):
    loose = {path.name for path in (repository / "pipeline").glob("*.py")}

    assert len(loose - {"__init__.py"}) <= 12


def test_nothing_imports_a_runner_command(sources):
    commands = {"local_runner", "vertex_runner"}

    guilty = [file for file, tree in sources.items() if commands & imported(tree)]

    assert sources
    assert guilty == []


def test_nothing_uses_the_keras_inside_tensorflow(sources):
    """`tf.keras` may be Keras 2 in a process that TensorFlow Transform has touched."""
    guilty = [
        file
        for file, tree in sources.items()
        if any(
            name.startswith(("tf.keras", "tensorflow.keras")) for name in dotted(tree)
        )
        or any(
            name.startswith(("tensorflow.keras", "tf_keras")) for name in imported(tree)
        )
    ]

    assert guilty == []


@pytest.mark.parametrize(
    "path", ["trainer.run_fn.run_fn", "transform.preprocessing.preprocessing_fn"]
)
def test_the_dotted_paths_that_tfx_gets_lead_to_a_function(repository, path):
    module, _, name = path.rpartition(".")
    graph = (repository / "pipeline" / "pipeline.py").read_text(encoding="utf-8")
    source = repository.joinpath(*module.split(".")).with_suffix(".py")

    tree = ast.parse(source.read_text(encoding="utf-8"))

    assert f'"{path}"' in graph
    assert name in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
