"""What a model of pydantic says of wrong values, in words that say what to do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic_core import ErrorDetails


def listed(
    error: pydantic.ValidationError,
    model: type[BaseModel],
    origins: Mapping[str, str],
) -> str:
    """A line for each problem: key, origin, what was seen, what is allowed.

    Args:
      error: what the model raised.
      model: of the whole.
      origins: dotted key -> where its value came from.
    """
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        lines.append(f"  {key} ({_origin_of(key, origins)}): {words(problem, model)}")
    return "\n".join(lines)


def no_pattern(path: str) -> str:
    """The path, for a folder's validator.

    TFX lists what is in a folder by a pattern that starts with the folder's name.

    Raises:
      ValueError: a character of it would be read as part of a pattern.
    """
    if strange := sorted(set("*?[]\\") & set(path)):
        raise ValueError(
            f"a folder's name may not have {' '.join(strange)} in it: TFX would read "
            "it as a pattern of names. Rename the folder, or link it under another name"
        )
    return path


def words(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """One of pydantic's problems with a value of the model."""
    if problem["type"] == "extra_forbidden":
        return unknown_key(problem["loc"], model)
    if problem["type"] == "missing":
        return "is required and missing."
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "union_tag_invalid":
        return f"kind: expected one of {problem['ctx']['expected_tags']}."
    # What was seen there may be a secret that belongs elsewhere.
    hidden = problem["loc"][0] in ("notifications", "metadata")
    if hidden or isinstance(problem["input"], Mapping):
        return f"{text}."
    return f"{text}; got {problem['input']!r}."


def unknown_key(location: Sequence[Any], model: type[BaseModel]) -> str:
    """Names the key that was meant, or those that there are."""
    known = _fields_beside(location, model)
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(known)}."
    return f"unknown key. {hint}"


def _fields_beside(location: Sequence[Any], model: type[BaseModel]) -> list[str]:
    models: list[Any] = [model]
    for part in location[:-1]:
        fields = [m.model_fields[part] for m in models if part in m.model_fields]
        if fields:
            models = _models_in(fields[0].annotation)
        # Of several kinds, pydantic puts the one it took into the location.
        models = [m for m in models if _kind_of(m) == part] or models
    return sorted({name for model in models for name in model.model_fields})


def _models_in(annotation: Any) -> list[Any]:
    """The models inside an annotation such as `tuple[Slice, ...]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [
        model
        for inner in getattr(annotation, "__args__", ())
        for model in _models_in(inner)
    ]


def _kind_of(model: Any) -> Any:
    kind = model.model_fields.get("kind")
    return kind.annotation.__args__[0] if kind else None


def _origin_of(key: str, origins: Mapping[str, str]) -> str:
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        for known, origin in origins.items():
            if known == prefix or known.startswith(f"{prefix}."):
                return origin
    return "no layer sets it"
