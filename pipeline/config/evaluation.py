"""The configuration's `evaluation`: when a model is good enough."""

from __future__ import annotations

from typing import Annotated, Literal

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


class Slice(_Frozen):
    """Metrics for each value of a column, with floors of their own."""

    column: str
    """Raw column whose values make the slices."""

    floors: Thresholds = {}
    """Metric -> bounds that every judged slice must keep."""

    min_examples: int = Field(default=100, ge=1)
    """Smaller slices are shown, not judged: their metrics are mostly noise."""


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
    """No value of a slice's column has enough rows to be judged, or no row has a value
    there: refuse the model, say so and no more, or refuse where `floors` are given."""

    unusable_baseline: Literal["refuse", "accept"] = "refuse"
    """The latest blessed model cannot be evaluated any more (a new vocabulary or
    signature, tfx#4390): refuse the candidate, or judge it by value bounds alone."""
