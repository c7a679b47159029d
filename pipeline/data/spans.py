"""Which spans of data there are, numbered as TFX does: of a date, days since 1970."""

from __future__ import annotations

import re

from tfx.components.example_gen import utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2

from pipeline.errors import DataUnreadable


def newest(folder: str, pattern: str, first: int, last: int) -> int:
    """The newest span from `first` to `last` that has a file.

    Args:
      folder: with the data.
      pattern: of the files, with {SPAN}, or with {YYYY}, {MM} and {DD}.
      first: span.
      last: span, included.

    Raises:
      DataUnreadable: there is none.
    """
    spans = _all(folder, pattern)
    found = [span for span in spans if first <= span <= last]
    if found:
        return max(found)
    seen = f"the oldest there is {_named(min(spans))}" if spans else "there is no span"
    raise DataUnreadable(
        f"{folder}: no data of '{pattern}' up to {_named(last)}; {seen}. "
        "Give a later date, or bring the older data"
    )


def _all(folder: str, pattern: str) -> set[int]:
    split = example_gen_pb2.Input.Split(name="all", pattern=pattern)
    kinds = utils.verify_split_pattern_specs(split)
    glob, regex = utils._create_matching_glob_and_regex(folder, split, *kinds, None)
    matches = (re.fullmatch(regex, file) for file in fileio.glob(glob))
    parts = [match.groupdict() for match in matches if match]
    return {_number(part) for part in parts if all(map(str.isdigit, part.values()))}


def _number(parts: dict[str, str]) -> int:
    if "span" in parts:
        return int(parts["span"])
    year, month, day = (int(parts[name]) for name in ("year", "month", "day"))
    return utils.date_to_span_number(year, month, day)


def _named(span: int) -> str:
    year, month, day = utils.span_number_to_date(span)
    return f"span {span} ({year:04}-{month:02}-{day:02})"
