"""Layers of keys and values, each over the one before; every value knows its origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError

# What these map is data (a column, a metric), so a layer replaces the whole of it:
# a second data set must not inherit the first one's columns.
_REPLACED = frozenset(
    {
        "features",
        "data.splits",
        "evaluation.thresholds",
    }
)


def read_yaml(file: Path) -> dict[str, Any]:
    """The keys and values of a file; none of an empty one.

    Raises:
      ConfigError: it is not there, or not YAML, or something else than keys and values.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8: {error}") from None
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        # Not its own words: they show the line, and that may hold a secret.
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError(f"{file}{where}: is not YAML: {what}") from None
    if not isinstance(value, dict | None):
        raise ConfigError(f"{file}: expected keys and values, got {value!r}")
    return value or {}


def read_override(override: str) -> dict[str, Any]:
    """Keys and values of a 'dotted.key=value', the value written as YAML.

    Raises:
      ConfigError: it is none.
    """
    key, equals, text = override.partition("=")
    if not (equals and all(key.split("."))):
        raise ConfigError(f"--set {override}: expected key=value, such as a.b=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def merge(
    into: dict[str, Any],
    layer: Mapping[str, Any],
    origin: str,
    origins: dict[str, str],
    prefix: str = "",
) -> None:
    """Puts a layer over what is there.

    Args:
      into: what is there; it is changed.
      layer: nested keys and values.
      origin: of the layer, such as its file.
      origins: dotted key -> origin of its value; it is changed, too.
      prefix: of the keys, with its dot.
    """
    for key, value in layer.items():
        dotted = f"{prefix}{key}"
        nested = isinstance(value, Mapping) and isinstance(into.get(key), dict)
        if nested and not (dotted in _REPLACED and origin != "--set"):
            merge(into[key], value, origin, origins, f"{dotted}.")
            continue
        for known in [k for k in origins if k == dotted or k.startswith(f"{dotted}.")]:
            del origins[known]
        into[key] = _copied(value)
        origins.update({leaf: origin for leaf, _ in leaves(value, dotted)})


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(child) for key, child in value.items()}
    return value


def leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every (dotted key, value) of a nested mapping."""
    if isinstance(value, Mapping) and value:
        for key, child in value.items():
            yield from leaves(child, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
