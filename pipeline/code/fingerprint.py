"""Which code each node executes: TFX's cache does not look behind dotted paths.

The runners stamp the digests into the compiled nodes as parameters. There they are part
of TFX's own cache key, and MLMD keeps them with every execution.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pipeline import nodes
from pipeline.code import source
from pipeline.config.config import LOCK, ROOT

PACKAGES = ("pipeline", "trainer", "models", "transform")


def code_files(node: str) -> dict[str, str]:
    """Every file that the node executes -> the first 16 hex digits of its digest.

    Of Python the digest is of what it does (code/source.py). The lock is one of the
    files, by its bytes: it says which versions of every library run.

    Raises:
      UsageError: a file is not Python.
    """
    return _digests(nodes.MODULES[node])


def all_code_files() -> dict[str, str]:
    """The files of every node and of the graph itself -> the same digests."""
    entries = [module for modules in nodes.MODULES.values() for module in modules]
    return _digests(("pipeline.pipeline", *entries))


def code_digest(files: dict[str, str]) -> str:
    """SHA-256 over names and digests."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _digests(entries: Iterable[str]) -> dict[str, str]:
    modules: dict[str, Path] = {}
    for module in entries:
        _collect(module, modules)
    digests = {
        str(file.relative_to(ROOT)): source.read(file).digest
        for file in sorted(modules.values())
    }
    digests[str(LOCK.relative_to(ROOT))] = _of_bytes(LOCK)
    # A file of prose, as most __init__.py are, does nothing.
    return {name: digest for name, digest in digests.items() if digest}


def _of_bytes(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _collect(module: str, found: dict[str, Path]) -> None:
    """Adds the module, the packages around it, and all that they import."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        file = _file(name)
        if name in found or file is None:
            continue
        found[name] = file
        for imported in source.read(file).imports:
            if imported.split(".")[0] in PACKAGES:
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
