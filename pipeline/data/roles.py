"""Every setting that names a column, held against the curated schema and the data.

A name that is not there must not reach a node: some libraries take another column for
it, and the others fail late, in words of their own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.config.config import Config

_NUMBERS = (schema_pb2.INT, schema_pb2.FLOAT)
_WORDS = {
    schema_pb2.INT: "whole numbers",
    schema_pb2.FLOAT: "numbers",
    schema_pb2.BYTES: "text",
}

Named = tuple[str, str, tuple[int, ...]]
"""A setting, the column that it names, and the types that can play the role."""


def problems(
    config: Config, schema: schema_pb2.Schema, header: Sequence[str] | None
) -> list[str]:
    """A line for each setting that names what is not there, or cannot be it.

    Args:
      config: of the run.
      schema: the curated one.
      header: columns of the data; None where only a service can say.
    """
    types = {feature.name: feature.type for feature in schema.feature}
    file = config.data.schema_file
    found = []
    for setting, column, allowed in _named(config):
        if column not in types:
            found.append(_unknown(setting, column, types, f"the schema {file}"))
        elif types[column] not in allowed:
            wanted = " or ".join(_WORDS[each] for each in allowed)
            found.append(
                f"{setting}: column '{column}' is {_WORDS.get(types[column], '?')} "
                f"in the schema {file}; it takes {wanted}"
            )
    found += _slices_that_no_rule_makes(config)
    for entry in config.validation.allow:
        # A column that the schema lacks is an anomaly of its own, and may be allowed.
        known = {*types, *(header or ()), "*"}
        if entry.feature not in known and header is not None:
            where = "the schema and the data"
            found.append(_unknown("validation.allow", entry.feature, known, where))
    if header is not None:
        found += _not_in_data(config, types, header)
    return found


def _named(config: Config) -> Iterator[Named]:
    any_ = (schema_pb2.INT, schema_pb2.FLOAT, schema_pb2.BYTES)
    features, label, data = config.features, config.features.label, config.data
    for column in features.numeric:
        yield "features.numeric", column, _NUMBERS
    for column in features.buckets:
        yield "features.buckets", column, _NUMBERS
    for column in features.vocabulary:
        yield "features.vocabulary", column, (schema_pb2.BYTES, schema_pb2.INT)
    for column in features.integers:
        yield "features.integers", column, (schema_pb2.INT,)
    yield (
        "features.label.column",
        label.column,
        _NUMBERS if label.denominator else any_,
    )
    if label.denominator:
        yield "features.label.denominator", label.denominator, _NUMBERS
    for rule in config.evaluation.slices:
        for column in rule.keys:
            allowed = _NUMBERS if column in rule.ranges else any_
            yield "evaluation.slices", column, allowed
    for setting, named in (
        ("data.split_by", data.split_by),
        ("data.time_column", data.time_column),
    ):
        if named:
            yield setting, named, any_


def _not_in_data(
    config: Config, types: Iterable[str], header: Sequence[str]
) -> Iterator[str]:
    """What a model or a split needs; a slice that is not there is not judged."""
    there = set(header)
    for setting, column, _ in _named(config):
        if setting != "evaluation.slices" and column in types and column not in there:
            yield _unknown(setting, column, header, f"the data in {config.data.path}")


def _slices_that_no_rule_makes(config: Config) -> Iterator[str]:
    """Who waits for news of one would never hear any."""
    rules = config.evaluation.slices
    titles = "; ".join(rule.title for rule in rules) or "none"
    for channel, wishes in config.notifications.channels.items():
        for name in wishes.only.slices:
            if not any(rule.makes(name) for rule in rules):
                yield (
                    f"notifications.channels.{channel}.only.slices: no rule of "
                    f"evaluation.slices makes '{name}'; they are by: {titles} "
                    "(columns that are crossed stand in the order of the alphabet)"
                )


def _unknown(setting: str, column: str, known: Iterable[str], where: str) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(column, names, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known: {_some(names)}"
    return f"{setting}: there is no column '{column}' in {where}; {hint}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown
