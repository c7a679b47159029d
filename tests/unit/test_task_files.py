"""What a task reads and writes by Python's own file functions: on Vertex it is given
addresses of a bucket, which those do not know.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline import nodes
from pipeline.code import fingerprint

ENTRIES = (
    "pipeline.vertex.job.task",
    "pipeline.components.exit_handler",
    *(module for modules in nodes.MODULES.values() for module in modules),
)
MODULES = ("glob", "shutil", "pathlib")
OF_OS = (
    *("walk", "listdir", "scandir", "stat", "remove", "unlink", "rename", "replace"),
    *("makedirs", "mkdir", "rmdir", "open", "path.exists", "path.isdir"),
    *("path.isfile", "path.getsize", "path.getmtime", "path.ismount"),
)

_CODE = "reads the code and the lock that this process itself runs from"
_FOLDER = "a local registry is a folder: a bucket's configuration has none of it"
_RUN = "takes the run's folder as a path: pipeline.files mounts the bucket's"
_COMPILE = "reads configuration files, before there is a task"
ALLOWED = {
    "pipeline.files": "the one place that turns the address of a folder into a path",
    "pipeline.content": "of_file is asked for files on a disk; ingestion looks first",
    "pipeline.data.files": "a file on a disk by open, all others by TFX's fileio",
    "pipeline.code.fingerprint": _CODE,
    "pipeline.code.packages": _CODE,
    "pipeline.code.source": _CODE,
    "pipeline.config.config": _COMPILE,
    "pipeline.config.layers": _COMPILE,
    "pipeline.registry.journal": _FOLDER,
    "pipeline.registry.local": _FOLDER,
    "pipeline.registry.manifest": _FOLDER,
    "pipeline.registry.pointer": _FOLDER,
    "pipeline.secrets": "a secret lies in a file of the container, never in a bucket",
    "pipeline.notifications.channels": "the file channel appends to a container's file",
    "pipeline.notifications.delivery": _RUN,
    "pipeline.notifications.failure": _RUN,
    "pipeline.notifications.history": _RUN,
    "pipeline.notifications.notify": _RUN,
    "pipeline.notifications.outbox": _RUN,
    "pipeline.runs.start": _RUN,
}
"""Module -> why what it does with files is right where a task has a bucket."""


def own_file_functions(source: str) -> set[str]:
    """Python's own functions on files that a module uses, and their modules."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & {*MODULES}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} & {*MODULES}
            if node.module in ("os", "os.path"):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Name) and node.id == "open":
            found.add("open")
        elif isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            found |= {text} & {f"os.{name}" for name in OF_OS}
    return found


@pytest.fixture
def executed(repository) -> dict[str, Path]:
    """Every module of ours that a task executes -> its file."""
    found: dict[str, Path] = {}
    for module in ENTRIES:
        fingerprint._collect(module, found)
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("with open('x') as f: pass", {"open"}),
        ("opener = fileio.open if remote else open", {"open"}),
        ("import glob, os\nos.walk(x)\nos.path.isdir(x)", {"glob"} | {"os.walk"}),
        ("from pathlib import Path", {"pathlib"}),
        ("from os import listdir", {"os.listdir"}),
        ("from os.path import exists", {"os.path.exists"}),
        ("os.path.join(os.path.basename(a), b)\nfileio.open(x)", set()),
    ],
)
def test_the_check_sees_what_it_looks_for(source, expected):
    assert expected <= own_file_functions(source)
    assert bool(expected) == bool(own_file_functions(source))


def test_every_task_s_code_is_looked_at(executed):
    assert {
        "pipeline.serving.check",
        "pipeline.vertex.job.task",
        "pipeline.notifications.failure",
        "trainer.data",
        "transform.preprocessing",
    } <= executed.keys()


def test_tasks_handle_a_bucket_s_addresses_by_what_knows_them(executed):
    """tf.io.gfile and TFX's fileio do; os.path.join and basename are right, too."""
    using = {
        module: found
        for module, file in executed.items()
        if (found := own_file_functions(file.read_text(encoding="utf-8")))
    }

    unexplained = {module: using[module] for module in using.keys() - ALLOWED.keys()}
    assert unexplained == {}
    assert ALLOWED.keys() - using.keys() == set(), "explained, and not there any more"
