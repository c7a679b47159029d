"""A file of Python as its statements say it: without remarks, docstrings and layout.

The digests are of Python's own syntax tree, whose form belongs to a minor version of
Python; Millrace runs on one.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.errors import UsageError

_MODULE = "module level"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclasses.dataclass(frozen=True)
class Source:
    """What the file does, and what it imports."""

    digest: str
    """First 16 hex digits of the SHA-256 of the statements; '' if there are none."""

    imports: frozenset[str]
    """Every module, and every name in one, that an import anywhere in it names."""

    parts: Mapping[str, str]
    """Function, method, class or module level -> first 16 digits, as above."""


def read(file: Path) -> Source:
    """The file, parsed; the same content is parsed once in a process.

    Raises:
      UsageError: it is not Python.
    """
    content = file.read_bytes()
    try:
        return _parsed(content)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{file}{line}: is not Python: {what}") from None


@functools.lru_cache(maxsize=1000)
def _parsed(content: bytes) -> Source:
    tree = ast.parse(content)
    imports = frozenset(_imports(tree))
    _remove_docstrings(tree)
    return Source(
        _digest(tree.body) if tree.body else "",
        imports,
        {name: _digest(statements) for name, statements in _parts(tree).items()},
    )


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _remove_docstrings(tree: ast.Module) -> None:
    """Takes out each text that stands alone as a statement: nothing reads its value."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [each for each in body if not _is_text(each)]


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _parts(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Its statements by the name that a person would look for."""
    parts: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            _add_class(statement, parts)
        else:
            name = (
                f"{statement.name}()" if isinstance(statement, _Function) else _MODULE
            )
            parts.setdefault(name, []).append(statement)
    return parts


def _add_class(found: ast.ClassDef, parts: dict[str, list[ast.stmt]]) -> None:
    rest = [each for each in found.body if not isinstance(each, _Function)]
    head = ast.ClassDef(
        found.name, found.bases, found.keywords, rest, found.decorator_list
    )
    parts.setdefault(found.name, []).append(head)
    for method in found.body:
        if isinstance(method, _Function):
            parts.setdefault(f"{found.name}.{method.name}()", []).append(method)


def _digest(statements: Iterable[ast.stmt]) -> str:
    total = hashlib.sha256()
    for statement in statements:
        total.update(ast.dump(statement).encode("utf-8", "surrogatepass") + b"\n")
    return total.hexdigest()[:16]
