"""Values that are given when a job is submitted, not when it is compiled.

TFX's RuntimeParameter cannot stand inside an execution property that is a JSON text,
and most of ours are; with an exit handler it makes a job that Vertex refuses, and its
default is dropped (field notes, traps 4 and 5). So the job declares the parameter, the
task gets it beside its properties, and `task.py` puts it where it belongs.
"""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import json
from collections.abc import Iterable
from typing import Any

import yaml

from pipeline.config import Config, leaves
from pipeline.errors import ConfigError

# Configuration key, or its beginning -> node, execution property, place inside it.
_PLACES = {
    "training.": ("Trainer", "custom_config", "training."),
    "evaluation.": ("Evaluator", "policy", ""),
    "push.": ("Pusher", "policy", ""),
    "data.span": ("ExampleGen", "range_config", ""),
}
_EPOCH = datetime.date(1970, 1, 1)


@dataclasses.dataclass(frozen=True)
class RuntimeParameter:
    """One of them: text, read as `--set` reads it; empty means as compiled."""

    key: str
    """Of the configuration, such as training.model."""

    node: str
    json_property: str
    """The node's execution property, a JSON text."""

    path: str
    """Dotted, inside of it."""

    @property
    def name(self) -> str:
        """As Vertex knows it, such as training_model."""
        return self.key.replace(".", "_")

    def __str__(self) -> str:
        """As a task's argument."""
        return f"{self.name}={self.json_property}:{self.path}"


def of_config(config: Config) -> list[RuntimeParameter]:
    """The parameters that the configuration asks for.

    Raises:
      ConfigError: a key that no task could take at run time, or that is not there.
    """
    keys = config.vertex.parameters if config.vertex else ()
    known = {key for key, _ in leaves(config.model_dump(mode="json"))}
    for key in keys:
        if key.startswith(tuple(_PLACES)) and key not in known:
            close = ", ".join(difflib.get_close_matches(key, known)) or "none is close"
            raise ConfigError(
                f"vertex.parameters: the configuration has no '{key}'; {close}"
            )
        if key == "data.span" and "{" not in config.data.pattern:
            raise ConfigError(
                "vertex.parameters: data.span needs a data.pattern with {SPAN} or "
                f"{{YYYY}}{{MM}}{{DD}}; it is '{config.data.pattern}'"
            )
    return of_keys(keys)


def of_keys(keys: Iterable[str]) -> list[RuntimeParameter]:
    """The parameters of these keys of a configuration.

    Raises:
      ConfigError: a key that no task could take at run time.
    """
    return [_of_key(key) for key in keys]


def _of_key(key: str) -> RuntimeParameter:
    for begin, (node, json_property, inside) in _PLACES.items():
        if key == begin:
            return RuntimeParameter(key, node, json_property, "")
        if begin.endswith(".") and key.startswith(begin):
            path = inside + key.removeprefix(begin)
            return RuntimeParameter(key, node, json_property, path)
    known = ", ".join(begin + "*" * begin.endswith(".") for begin in _PLACES)
    raise ConfigError(
        f"vertex.parameters: '{key}' cannot be given at run time. Known: {known}"
    )


def put_in(invocation: str, arguments: Iterable[str]) -> str:
    """The task's invocation with the given values where they belong.

    Args:
      invocation: JSON of ExecutorInput, as Vertex fills in {{$}}.
      arguments: str() of the node's parameters.

    Raises:
      ValueError: a span that is neither a number nor a date.
    """
    value = json.loads(invocation)
    given = value.get("inputs", {}).get("parameterValues", {})
    for argument in arguments:
        name, _, place = argument.partition("=")
        json_property, _, path = place.partition(":")
        text = given.pop(name, "")
        if text == "":
            continue
        if json_property == "range_config":
            given[json_property] = json.dumps(_range(text))
        else:
            new = yaml.safe_load(text)
            given[json_property] = _with(given[json_property], path, new)
    return json.dumps(value)


def _with(document: str, path: str, new: Any) -> str:
    value = json.loads(document)
    *parents, last = path.split(".")
    holder = value
    for parent in parents:
        holder = holder[parent]
    holder[last] = new
    return json.dumps(value)


def _range(text: str) -> dict[str, Any]:
    """One span; of a date, TFX counts the days since 1970."""
    span = yaml.safe_load(text)
    if isinstance(span, datetime.date):
        span = (span - _EPOCH).days
    if not isinstance(span, int):
        raise ValueError(f"data_span: '{text}' is neither a number nor YYYY-MM-DD")
    return {"static_range": {"start_span_number": span, "end_span_number": span}}
