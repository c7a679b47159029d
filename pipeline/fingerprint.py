"""Which code each node executes: TFX's cache does not look behind dotted paths.

The runners stamp the digests into the compiled nodes as parameters. There they are part
of TFX's own cache key, and MLMD keeps them with every execution.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pipeline.config import LOCK, ROOT

PACKAGES = ("pipeline", "trainer", "models", "transform")

# The nodes in the order of the graph, and the module that each one enters; what that
# imports from this project follows.
NODE_MODULES = {
    "ExampleGen": ("pipeline.components.ingestion",),
    "StatisticsGen": ("pipeline.components.statistics",),
    "SchemaValidator": ("pipeline.components.schema_validator",),
    "Transform": ("transform.preprocessing",),
    "Trainer": ("trainer.run_fn",),
    "BaselineResolver": ("pipeline.components.baseline",),
    "Evaluator": ("pipeline.components.evaluator",),
    "Pusher": ("pipeline.components.pusher", "pipeline.serving_check"),
    "Notifier": ("pipeline.components.notifier",),
}


def code_files(node: str) -> dict[str, str]:
    """Every file that the node executes -> the first 16 hex digits of its SHA-256.

    The lock is one of them: it says which versions of every library run.
    """
    return _digests(NODE_MODULES[node])


def all_code_files() -> dict[str, str]:
    """The files of every node and of the graph itself -> the same digests."""
    entries = [module for modules in NODE_MODULES.values() for module in modules]
    return _digests(("pipeline.pipeline", *entries))


def code_digest(files: dict[str, str]) -> str:
    """SHA-256 over names and digests."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _digests(entries: Iterable[str]) -> dict[str, str]:
    modules: set[str] = set()
    for module in entries:
        _collect(module, modules)
    files = [_file(module) for module in modules]
    return {
        str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        for file in sorted([*filter(None, files), LOCK])
    }


def _collect(module: str, found: set[str]) -> None:
    """Adds the module, the packages around it, and all that they import."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        if name in found or _file(name) is None:
            continue
        found.add(name)
        for imported in _imports(_file(name)):
            _collect(imported, found)


@functools.cache
def _file(module: str) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(file: Path | None) -> set[str]:
    """Modules of this project that a file imports, anywhere in it."""
    names: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8")) if file else ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.split(".")[0] in PACKAGES}
