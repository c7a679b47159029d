"""Partial responses: `fields=items(name,size),nextPageToken` and nothing else comes.

Source: cloud.google.com/storage/docs/json_api, "Partial responses".
"""

from __future__ import annotations

from typing import Any

from tests.fakes.gcs.request import RefusedError


def chosen(value: Any, fields: str) -> Any:
    """The value with the fields alone; of a list, each with them.

    Raises:
      RefusedError: the fields cannot be read.
    """
    if isinstance(value, list):
        return [chosen(each, fields) for each in value]
    found: dict[str, Any] = {}
    for part in _parts(fields):
        name, below = _split(part)
        if name == "*":
            return value
        if name not in value:
            continue
        inside = chosen(value[name], below) if below else value[name]
        if isinstance(inside, dict) and isinstance(found.get(name), dict):
            inside = {**found[name], **inside}
        if isinstance(inside, list) and name in found:
            inside = [{**a, **b} for a, b in zip(found[name], inside, strict=True)]
        found[name] = inside
    return found


def _split(part: str) -> tuple[str, str]:
    """a/b and a(b) -> a, b."""
    for i, letter in enumerate(part):
        if letter == "/":
            return part[:i], part[i + 1 :]
        if letter == "(":
            return part[:i], part[i + 1 : -1]
    return part, ""


def _parts(fields: str) -> list[str]:
    """What stands between commas, but not inside of brackets."""
    parts, depth = [""], 0
    for letter in fields.replace(" ", ""):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    if depth or not all(parts):
        raise RefusedError(400, f"Invalid field selection {fields}")
    return parts
