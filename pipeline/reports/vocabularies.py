"""How large each vocabulary is, and how much of each split it does not know."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.reports.statistics import Column, Splits
from transform import features

ASSETS = os.path.join("transform_fn", "assets")


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """One column's vocabulary."""

    column: str
    size: int
    limit: int
    """The most that it may hold."""

    unknown: Mapping[str, float | None]
    """Split -> share of its values that are not in it; None where nothing tells."""


def of_artifact(
    folder: str, roles: Mapping[str, Mapping[str, Any]], splits: Splits
) -> list[Vocabulary]:
    """Every vocabulary that Transform made.

    Args:
      folder: the transform graph.
      roles: `features.vocabulary` of the configuration.
      splits: statistics of the same data.
    """
    found = []
    for column, settings in roles.items():
        file = Path(folder, ASSETS, features.vocabulary_name(column))
        if file.is_file():
            # One entry a line; only a line feed ends it.
            words = file.read_bytes().rstrip(b"\n").split(b"\n")
            known = [word.decode(errors="replace") for word in words if word]
            unknown = {
                split: _unknown(columns.get(column), known)
                for split, columns in splits.items()
            }
            found.append(Vocabulary(column, len(known), settings["size"], unknown))
    return found


def _unknown(column: Column | None, known: Sequence[str]) -> float | None:
    """Of the values that the statistics list; a missing one is not counted."""
    if column is None or not column.values:
        return None
    total = sum(column.values.values())
    words = set(known)
    seen = sum(count for value, count in column.values.items() if value in words)
    # The statistics list the most frequent values; what is beyond is rare, and unknown
    # as far as the vocabulary is smaller than the list.
    return 1 - seen / max(total, column.present)
