"""The configuration's `evaluation`: when a model is good enough."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

METRICS = {
    "auc": "AUC",
    "accuracy": "BinaryAccuracy",
    "precision": "Precision",
    "recall": "Recall",
    "calibration": "Calibration",
    "mean_label": "MeanLabel",
    "mean_prediction": "MeanPrediction",
    "example_count": "ExampleCount",
}
"""Our name of a metric -> TFMA's class."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Frozen):
    """Bounds for one metric; at least one must be given."""

    min: float | None = None
    """Smallest allowed value."""

    max: float | None = None
    """Largest allowed value."""

    max_loss: float | None = None
    """How much worse than the baseline it may be (in the metric's own unit)."""

    higher_is_better: bool = True
    """Direction that `max_loss` is measured in."""

    @pydantic.model_validator(mode="after")
    def _says_something(self) -> Threshold:
        if self.min is self.max is self.max_loss is None:
            raise ValueError("give min, max or max_loss")
        return self


def _known_metrics(thresholds: dict[str, Threshold]) -> dict[str, Threshold]:
    for name in thresholds:
        if name not in METRICS:
            raise ValueError(
                f"'{name}' is not a metric here. Known: {', '.join(sorted(METRICS))}"
            )
    return thresholds


Thresholds = Annotated[dict[str, Threshold], pydantic.AfterValidator(_known_metrics)]


def _are_edges(edges: tuple[float, ...]) -> tuple[float, ...]:
    rising = all(low < high for low, high in itertools.pairwise(edges))
    if not edges or not rising or not all(map(math.isfinite, edges)):
        raise ValueError("give one number or more, each larger than the one before")
    return edges


Edges = Annotated[tuple[float, ...], pydantic.AfterValidator(_are_edges)]


class Slice(_Frozen):
    """Metrics for some of the rows at a time, with floors of their own.

    Each value of a column, each combination of several columns' values, or each range
    of a column of numbers. A row without a value is in no slice of that column; where
    numbers are put into ranges it is in the slice `missing`.
    """

    column: str | None = None
    """Raw column whose values make the slices."""

    columns: tuple[str, ...] = ()
    """Raw columns whose values are crossed."""

    ranges: dict[str, Edges] = {}
    """Raw column of numbers -> where its ranges begin. They are half-open: 18 and 30
    make [-inf, 18), [18, 30) and [30, inf). Of `column` alone the list will do."""

    largest: int | None = Field(default=None, ge=1)
    """So many slices, those with the most judged rows, and no other."""

    floors: Thresholds = {}
    """Metric -> bounds that every judged slice must keep."""

    min_examples: int = Field(default=100, ge=1)
    """Smaller slices are shown, not judged: their metrics are mostly noise."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_the_column(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("ranges"), list | tuple):
            if not isinstance(given.get("column"), str):
                raise ValueError("ranges: say of which column, {COLUMN: [0, 18, 30]}")
            return {**given, "ranges": {given["column"]: given["ranges"]}}
        return given

    @pydantic.model_validator(mode="after")
    def _names_columns(self) -> Slice:
        if self.column is not None and self.columns:
            raise ValueError("give column or columns, not both")
        if not self.keys:
            raise ValueError("give column, columns or ranges")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: names one twice")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Every raw column that it takes, as they are written."""
        named = (self.column,) if self.column is not None else self.columns
        return tuple(dict.fromkeys([*named, *self.ranges]))

    @property
    def stand_ins(self) -> Mapping[str, str]:
        """Column of words that `evaluation.slicing` adds -> that of the numbers."""
        return {in_ranges(key, edges): key for key, edges in self.ranges.items()}

    @property
    def feature_keys(self) -> tuple[str, ...]:
        """The columns by whose values TFMA makes the slices, one for each of `keys`."""
        names = {key: name for name, key in self.stand_ins.items()}
        return tuple(names.get(key, key) for key in self.keys)

    def makes(self, name: str) -> bool:
        """Whether one of its slices may have this name, 'race=White,sex=F'."""
        parts = []
        for _, key in sorted(zip(self.feature_keys, self.keys, strict=True)):
            known = [*range_names(self.ranges.get(key, ())), MISSING]
            values = "|".join(map(re.escape, known)) if key in self.ranges else ".+"
            parts.append(f"{re.escape(key)}=(?:{values})")
        return re.fullmatch(",".join(parts), name, re.DOTALL) is not None

    @property
    def title(self) -> str:
        """What its slices are by, in words; a column's name where that is all."""
        most = f" ({self.largest} largest)" if self.largest else ""
        return " and ".join(self.feature_keys) + most


def in_ranges(column: str, edges: Sequence[float]) -> str:
    """What a column is called whose numbers are put into ranges."""
    return f"{column} in [{', '.join(map(edge, edges))}]"


def range_names(edges: Sequence[float]) -> list[str]:
    """The name of each range, from below the first edge to above the last."""
    ends = ["-inf", *map(edge, edges), "inf"]
    return [f"[{low}, {high})" for low, high in itertools.pairwise(ends)]


MISSING = "missing"
"""The name of the slice of rows without a number to put into a range."""


def edge(value: float) -> str:
    """The number without a digit less: 18, 0.25, 1234567."""
    return str(int(value)) if value == int(value) else repr(value)


class MustBeat(_Frozen):
    """What a model has to be better than, by the log loss on all judged rows."""

    constant: Literal["refuse", "note"] = "refuse"
    """The share of positives in train as everybody's answer."""

    single_column: Literal["refuse", "note"] = "note"
    """The best table of one column."""


class EvaluationConfig(_Frozen):
    """When a model is good enough."""

    thresholds: Thresholds = {}
    """Metric -> bounds overall. Without any, `must_beat` decides, and the champion: a
    model must not be worse than it by more than the rows can tell."""

    slices: tuple[Slice, ...] = ()

    must_beat: MustBeat = MustBeat()
    """Better is what the 95 % interval of the paired difference shows. On slices both
    are shown, and refuse nothing."""

    unjudged: Literal["refuse", "note", "refuse_where_floor"] = "refuse_where_floor"
    """None of a rule's slices has enough rows to be judged, or no row has a value
    there: refuse the model, say so and no more, or refuse where `floors` are given."""

    unusable_baseline: Literal["refuse", "accept"] = "refuse"
    """The latest blessed model cannot be evaluated any more (a new vocabulary or
    signature, tfx#4390): refuse the candidate, or judge it by value bounds alone."""

    @pydantic.field_validator("slices")
    @classmethod
    def _are_different(cls, slices: tuple[Slice, ...]) -> tuple[Slice, ...]:
        titles = [rule.title for rule in slices]
        for title in titles:
            if titles.count(title) > 1:
                raise ValueError(f"{title} stands there twice; put both into one")
        return slices
