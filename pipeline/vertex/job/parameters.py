"""Values that are given when a job is submitted, not when it is compiled.

TFX's RuntimeParameter cannot stand inside an execution property that is a JSON text,
and most of ours are; with an exit handler it makes a job that Vertex refuses, and its
default is dropped (field notes, traps 4 and 5). So the job declares the parameter, the
task gets it beside its properties, and `task.py` puts it where it belongs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from pipeline.config import config as config_lib
from pipeline.config import layers
from pipeline.config.config import Config
from pipeline.errors import ConfigError, UsageError
from pipeline.nodes import EVALUATOR, EXAMPLE_GEN, PUSHER, TRAINER
from pipeline.vertex.job import run_date
from pipeline.vertex.job.job import Job

# Configuration key, or its beginning -> node, execution property, place inside it.
_PLACES = {
    "training.": (TRAINER, "custom_config", "training."),
    "evaluation.": (EVALUATOR, "policy", ""),
    "push.": (PUSHER, "policy", ""),
    "data.span": (EXAMPLE_GEN, "range_config", ""),
}
ORIGIN = "origin"
"""The parameter that says who submits (origin.py); nobody gives it."""

_EPOCH = datetime.date(1970, 1, 1)


@dataclasses.dataclass(frozen=True)
class RuntimeParameter:
    """One of them: text, read as `--set` reads it; empty means as compiled."""

    key: str
    """The configuration's key, such as training.model."""

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

    A key that it could state and does not, such as a bound of a metric, is a parameter
    like the others: as compiled, there is none.

    Raises:
      ConfigError: a key that no task could take at run time, or that cannot be there.
    """
    keys = config.vertex.parameters if config.vertex else ()
    known = {key for key, _ in layers.leaves(config.model_dump(mode="json"))}
    for key in keys:
        is_there = key in known or _could_be(config, key)
        if key.startswith(tuple(_PLACES)) and not is_there:
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


def _could_be(config: Config, key: str) -> bool:
    """Whether the configuration takes some value there, a number or a word."""
    for value in (0, "x"):
        with contextlib.suppress(ValueError):
            config_lib.with_value(config, key, value)
            return True
    return False


def require(config: Config, given: Mapping[str, str]) -> list[str]:
    """Looks, before anything is compiled, whether the job will take these values.

    Args:
      config: of the vertex platform; its job declares the parameters.
      given: name -> text, as at submission.

    Returns:
      The names that may be given.

    Raises:
      UsageError: as of `checked`.
    """
    names = [run_date.NAME, *(parameter.name for parameter in of_config(config))]
    declared = {name: {"defaultValue": ""} for name in names}
    spec = {"root": {"inputDefinitions": {"parameters": declared}}}
    checked(Job.of_spec(spec), given, config)
    return sorted(names)


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE of the command line, by name.

    Raises:
      UsageError: one that is not of that form.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"--parameter {text}: expected NAME=VALUE")
        found[name] = value
    return found


def checked(
    job: Job, given: Mapping[str, str], config: Config | None = None
) -> dict[str, str | None]:
    """Every declared parameter with its value or its default.

    Args:
      job: that is to be submitted.
      given: name -> text, as at submission.
      config: that the values must fit, if it is known.

    Raises:
      UsageError: names every one that is unknown, missing or of the wrong type.
    """
    declared = job.root.parameters
    values = {name: of.get("defaultValue") for name, of in declared.items()} | {**given}
    problems = [
        *_unknown(given, declared),
        *_not_theirs(given),
        *(
            f"{name}: is missing; the job has no default for it"
            for name, value in values.items()
            if value is None and not declared[name].get("isOptional")
        ),
        *(_unfit(config, given) if config else ()),
        *_no_date(given.get(run_date.NAME, "")),
    ]
    if problems:
        lines = "".join(f"\n  --parameter {problem}" for problem in problems)
        raise UsageError(f"the job does not take these parameters:{lines}")
    return values


def _unknown(given: Iterable[str], declared: Iterable[str]) -> Iterator[str]:
    known = sorted({*declared} - {ORIGIN})
    for name in given:
        if name not in {*known, ORIGIN}:
            close = difflib.get_close_matches(name.replace(".", "_"), known, n=1)
            hint = f"Did you mean '{close[0]}'? " if close else ""
            yield f"{name}: the job has none. {hint}Known: {', '.join(known) or 'none'}"


def _not_theirs(given: Iterable[str]) -> Iterator[str]:
    """An auditor believes what it says, so nobody may make it up."""
    if ORIGIN in given:
        yield (
            f"{ORIGIN}: is who submits, and is filled in. What made you do it: "
            "--trigger WORDS"
        )


def _unfit(config: Config, given: Mapping[str, str]) -> Iterator[str]:
    """Values that the configuration would not hold at their keys."""
    known = [key for key, _ in layers.leaves(config.model_dump(mode="json"))]
    asked = config.vertex.parameters if config.vertex else ()
    keys = {key.replace(".", "_"): key for key in (*known, *asked)}
    for name, text in given.items():
        if name not in keys or text == "":
            continue
        try:
            value = _span(text) if name == "data_span" else yaml.safe_load(text)
            config_lib.with_value(config, keys[name], value)
        except (ValueError, yaml.YAMLError) as error:
            yield f"{name}={text}: {error}"


def _no_date(text: str) -> Iterator[str]:
    try:
        run_date.of_text(text or "1970-01-01", "UTC")
    except ValueError as error:
        yield f"{run_date.NAME}={text}: {error}"


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
            span = _span(text)
            newest = {"start_span_number": span, "end_span_number": span}
            given[json_property] = json.dumps({"static_range": newest})
        else:
            new = yaml.safe_load(text)
            given[json_property] = _with(given[json_property], path, new)
    return json.dumps(value)


def _with(document: str, path: str, new: Any) -> str:
    value = json.loads(document)
    *parents, last = path.split(".")
    holder = value
    for parent in parents:
        holder = holder.setdefault(parent, {})
    holder[last] = new
    return json.dumps(value)


def _span(text: str) -> int:
    """One span; of a date, TFX counts the days since 1970."""
    span = yaml.safe_load(text)
    if isinstance(span, datetime.date):
        span = (span - _EPOCH).days
    if not isinstance(span, int):
        raise ValueError(f"data_span: '{text}' is neither a number nor YYYY-MM-DD")
    return span
