"""How many rows each node took and put out, as what was recorded of a run says it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from pipeline.nodes import (
    EVALUATOR,
    EXAMPLE_GEN,
    NOTIFIER,
    PUSHER,
    SCHEMA_VALIDATOR,
    STATISTICS_GEN,
    TRAINER,
    TRANSFORM,
)

# A graph, a model or a message is no row.
_NONE_OUT = (TRANSFORM, TRAINER, PUSHER, NOTIFIER)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counted:
    """What the outputs of a run say of rows."""

    splits: Mapping[str, int]
    """Split -> rows of the examples; {} before they were counted."""

    ingested: tuple[int, int] | None = None
    """Read and written, where ExampleGen counts them."""

    evaluated: int | None = None
    asked: int | None = None
    """By the Pusher, of the model's serving signature."""


def taken(splits: Mapping[str, int]) -> dict[str, int]:
    """Node -> rows that it reads of these splits; {} without any."""
    if not splits:
        return {}
    everything = sum(splits.values())
    fitted = splits.get("train", 0) + splits.get("eval", 0)
    return {
        EXAMPLE_GEN: everything,
        STATISTICS_GEN: everything,
        SCHEMA_VALIDATOR: everything,
        TRANSFORM: fitted,
        TRAINER: fitted,
    }


def in_and_out(counted: Counted, ended: Collection[str]) -> dict[str, tuple[int, int]]:
    """Node -> rows in, rows out; a node of which nothing says so is left out.

    Args:
      counted: of one run.
      ended: the nodes that put something out.
    """
    reads = taken(counted.splits)
    if counted.evaluated is not None:
        reads[EVALUATOR] = counted.evaluated
    if counted.asked is not None:
        reads[PUSHER] = counted.asked
    work = {
        node: (count, 0 if node in _NONE_OUT else count)
        for node, count in reads.items()
        if node in ended
    }
    if counted.ingested is not None:
        work[EXAMPLE_GEN] = counted.ingested
    return work


def data_line(rows: int, span: int) -> str:
    """Which data, in words; without spans TFX calls it span 0."""
    words = [f"span {span}"] if span else []
    return ", ".join([*words, *([f"{rows:,} rows"] if rows else [])])
