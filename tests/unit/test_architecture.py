"""The rules between the packages, held as pyproject.toml writes them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import nodes

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


NODE_NAMES = {*nodes.ALL, nodes.EXIT_HANDLER, nodes.TFX_DAG}


def test_a_nodes_name_is_written_once(repository, sources):
    """In the configuration, too: there it is the type of a key."""
    allowed = {"pipeline/nodes.py", "pipeline/config/vertex.py"}

    found = {
        str(file.relative_to(repository))
        for file, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in NODE_NAMES
    }

    assert found == allowed


def test_a_property_of_mlmd_is_named_in_one_file(repository, sources):
    """Nobody sets or gets one of an artifact or an execution by a text of his own."""
    guilty = {
        (str(file.relative_to(repository)), name)
        for file, tree in sources.items()
        for name in property_names(tree) - TFX_S_OWN
    }

    assert len(property_names(ast.parse(EXAMPLE))) == 2
    assert guilty == set()


EXAMPLE = """
artifact.set_int_custom_property("pushed", 1)
execution.custom_properties["rows_in"].int_value
"""
TFX_S_OWN = {"blessed", "input_fingerprint", "__execution_result__", "code_digest"}
"""Written by TFX's own code or read there, and checked by its types."""


def property_names(tree: ast.Module) -> set[str]:
    """Names given as a text to the calls that set and get properties of artifacts."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_property = node.func.attr.endswith("_custom_property")
            if is_property and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
        is_text = isinstance(node, ast.Subscript) and isinstance(
            node.slice, ast.Constant
        )
        if is_text and ast.unparse(node.value).endswith(".custom_properties"):
            found.add(str(node.slice.value))
    return found


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


def _is_bare(node: ast.AST) -> bool:
    """Whether it is the type of a dict of anything."""
    return ast.unparse(node) in ("dict[str, Any]", "Mapping[str, Any]")


def test_what_crosses_a_file_has_a_type_and_few_dicts_are_bare(sources):
    """An alias counts where it is used; TFX's own signatures and JSON's border stay."""
    count = 0
    for tree in sources.values():
        aliases = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign) and _is_bare(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            named = isinstance(node, ast.Name) and node.id in aliases
            count += named or (isinstance(node, ast.Subscript) and _is_bare(node))

    assert count < 100


def test_a_function_is_read_at_a_glance(sources):
    long = {
        node.name
        for tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 60
    }

    assert long == {"create_pipeline"}


def test_one_noun_is_one_class(sources):
    """A class that must be renamed where it is imported has the wrong name."""
    renamed = [
        f"{file.name}: {alias.name} as {alias.asname}"
        for file, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and str(node.module).split(".")[0] in PACKAGES
        for alias in node.names
        if alias.asname and alias.name[0].isupper()
    ]

    assert len(renamed) < 5, renamed
