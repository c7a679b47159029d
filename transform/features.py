"""Which column plays which role, the label's rule, and every transformed name."""

from __future__ import annotations

import keyword
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

NO_LABEL = -1
"""The label of a row whose raw values do not say it, after Transform."""

MISSING_ID = 0
"""The id of a row without a value, in `vocabulary` and `integers`; known values and
unseen ones follow."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Vocabulary(_Frozen):
    """How a column of names becomes integer ids."""

    size: int = Field(default=1000, ge=1)
    """Most frequent values kept; the others share the out-of-vocabulary buckets."""

    oov_buckets: int = Field(default=8, ge=1)
    """Ids for values that were not seen in training, chosen by hash."""


class Label(_Frozen):
    """A binary label, made from raw columns by one of two rules.

    `ratio_above`: 1 where column / denominator > threshold (a denominator of 0 gives
    0). `equals`: 1 where column == value; of a column of floats, as numbers. Where a
    raw value is missing there is no label, which Transform writes as -1.
    """

    name: str
    """Name of the label after Transform, and in every report."""

    rule: Literal["ratio_above", "equals"]

    column: str
    """Raw column that is known only afterwards; it is never a feature."""

    denominator: str | None = None
    threshold: float | None = None
    value: str | None = None

    missing: Literal["drop", "refuse"] = "drop"
    """Rows without a value in `column` or `denominator`, whose label nobody knows:
    neither learned nor judged, or a reason to refuse the data."""

    max_missing_share: float = Field(default=0.1, ge=0, le=1)
    """More of them, in any split, refuse the data."""

    @model_validator(mode="after")
    def _complete(self) -> Label:
        needed = {
            "ratio_above": ("denominator", "threshold"),
            "equals": ("value",),
        }[self.rule]
        missing = [key for key in needed if getattr(self, key) is None]
        if missing:
            raise ValueError(f"rule '{self.rule}' needs {' and '.join(missing)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that the rule reads."""
        return tuple(c for c in (self.column, self.denominator) if c)


class Features(_Frozen):
    """The roles of the raw columns. A column may have several roles."""

    numeric: tuple[str, ...] = ()
    """Scaled to mean 0, variance 1; a missing value becomes the mean."""

    buckets: dict[str, Annotated[int, Field(ge=2)]] = {}
    """Column -> number of quantile buckets; a missing value has one of its own."""

    vocabulary: dict[str, Vocabulary] = {}
    """Column (text or integer) -> its vocabulary; a missing value has an id of its
    own (`MISSING_ID`), and so have values that training did not see."""

    integers: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Column -> number of values 0..n-1; what is outside has an id of its own, and what
    is missing another one (`MISSING_ID`)."""

    label: Label

    @model_validator(mode="after")
    def _sound(self) -> Features:
        if not self.columns:
            raise ValueError("no column has a role; name at least one feature")
        if self.label.column in self.columns:
            raise ValueError(
                f"'{self.label.column}' makes the label and is a feature too: "
                "the model would be told the answer"
            )
        twice = sorted({c for c in self.numeric if self.numeric.count(c) > 1})
        if twice:
            raise ValueError(f"numeric names {', '.join(twice)} more than once")
        if self.label.name in self.transformed:
            raise ValueError(
                f"label.name '{self.label.name}' is what the transformed column of a "
                "feature is called; give the label another name"
            )
        unservable = [name for name in self.columns if not _is_input_name(name)]
        if unservable:
            raise ValueError(
                f"{', '.join(map(repr, unservable))}: a served model is asked by "
                "column, and TensorFlow takes letters, digits and _ after a letter, "
                "and no keyword of Python. Rename it in the data"
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw feature columns, each once, in the order of their roles."""
        roles = (*self.numeric, *self.buckets, *self.vocabulary, *self.integers)
        return tuple(dict.fromkeys(roles))

    @property
    def transformed(self) -> tuple[str, ...]:
        """Names of the features after Transform, in the order of their roles."""
        return (
            *map(numeric_name, self.numeric),
            *map(bucket_name, self.buckets),
            *map(vocabulary_name, self.vocabulary),
            *map(integer_name, self.integers),
        )

    @property
    def label_columns(self) -> tuple[str, ...]:
        """Raw columns that only the label reads; absent when the model serves."""
        wanted = (self.label.column, self.label.denominator)
        return tuple(c for c in wanted if c and c not in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Every raw column the pipeline reads."""
        return (*self.columns, *self.label_columns)


def _is_input_name(column: str) -> bool:
    """Whether a signature's input can have that name; TensorFlow would change it."""
    known = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", column)
    return bool(known) and not keyword.iskeyword(column) and column != "self"


def numeric_name(column: str) -> str:
    """The column as one float, mean 0 and variance 1."""
    return f"{column}_z"


def bucket_name(column: str) -> str:
    """The column as a quantile bucket's id."""
    return f"{column}_bucket"


def vocabulary_name(column: str) -> str:
    """The column as an id of its vocabulary."""
    return f"{column}_id"


def integer_name(column: str) -> str:
    """The column as an id of its own range."""
    return f"{column}_int"
