"""What a column of numbers holds, as TFDV's statistics do not say it.

TFDV draws each split over its own range, in ten bins that it makes of quantiles: what
lies between two days has rows there, a single large value makes the rest one bin, and
two splits have other edges. Here a column of few whole numbers is counted value by
value, and another has its hundredths. NaN and infinity, which mean missing to a model,
are counted before they become so.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_data_validation.statistics.generators import stats_generator
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline import recorded

MAX_VALUES = 100
"""A column of more whole numbers is not counted value by value."""

HUNDREDTHS = 100

SAMPLE = 4096
"""Values that the hundredths are taken from: their ranks are off by 0.5 % at most."""


@dataclasses.dataclass
class Seen:
    """Of one column, so far."""

    rows: dict[int, int] | None = dataclasses.field(default_factory=dict)
    """Whole number -> how often; None when they are too many, or not whole."""

    sample: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0))
    """Some of the finite values, and all of them where they are few."""

    finite: int = 0
    nan: int = 0
    infinite: int = 0
    random: np.random.Generator = dataclasses.field(
        default_factory=lambda: np.random.default_rng(0)
    )
    """The same for the same rows in one process; goes on over additions."""

    def add(self, numbers: np.ndarray) -> None:
        """Values of some rows, shape (values,)."""
        known = numbers[np.isfinite(numbers)]
        nan = int(np.isnan(numbers).sum())
        self.nan += nan
        self.infinite += len(numbers) - len(known) - nan
        self._sample(known.astype(np.float64), len(known))
        if self.rows is not None:
            values, counts = np.unique(known, return_counts=True)
            if len(values) > MAX_VALUES or np.any(values != np.floor(values)):
                self.rows = None
            else:
                pairs = zip(map(int, values), counts.tolist(), strict=True)
                self._count(dict(pairs))

    def merge(self, other: Seen) -> None:
        """Adds what another one has seen."""
        self._sample(other.sample, other.finite)
        self.nan += other.nan
        self.infinite += other.infinite
        if other.rows is None:
            self.rows = None
        else:
            self._count(other.rows)

    def _count(self, rows: dict[int, int]) -> None:
        if self.rows is not None:
            for value, count in rows.items():
                self.rows[value] = self.rows.get(value, 0) + count
            if len(self.rows) > MAX_VALUES:
                self.rows = None

    def _sample(self, values: np.ndarray, rows: int) -> None:
        """Of both, as many as each has rows; `values` are all of its rows or a sample.

        Which rows stay is drawn: whoever takes each nth sees one of n sensors that
        write in turn.
        """
        total = self.finite + rows
        if total <= SAMPLE:
            self.sample = np.concatenate([self.sample, values])
        else:
            theirs = int(self.random.binomial(SAMPLE, rows / total))
            theirs = min(max(theirs, SAMPLE - len(self.sample)), len(values))
            self.sample = np.concatenate(
                [
                    self.random.choice(self.sample, SAMPLE - theirs, replace=False),
                    self.random.choice(values, theirs, replace=False),
                ]
            )
        self.finite = total


class Distribution(stats_generator.CombinerFeatureStatsGenerator):
    """Adds `recorded.Statistics` to those of each column of numbers."""

    def __init__(self) -> None:
        """Takes nothing."""
        super().__init__("Distribution")

    def create_accumulator(self) -> Seen:
        """Nothing yet."""
        return Seen()

    def add_input(
        self, accumulator: Seen, feature_path: object, feature_array: pa.Array
    ) -> Seen:
        """Adds a batch: a list of values a row."""
        del feature_path
        if not pa.types.is_null(feature_array.type):
            values = pc.list_flatten(feature_array)
            if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
                accumulator.add(values.to_numpy(zero_copy_only=False))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Seen]) -> Seen:
        """The sum of all."""
        total, *others = accumulators
        for each in others:
            total.merge(each)
        return total

    def extract_output(self, accumulator: Seen) -> statistics_pb2.FeatureNameStatistics:
        """What are no numbers; then counts, smallest value first, or hundredths."""
        found = statistics_pb2.FeatureNameStatistics()
        if accumulator.nan:
            found.custom_stats.add(name=recorded.Statistics.NAN, num=accumulator.nan)
        if accumulator.infinite:
            name = recorded.Statistics.INFINITE
            found.custom_stats.add(name=name, num=accumulator.infinite)
        if accumulator.rows:
            name = recorded.Statistics.COUNTS
            by_value = found.custom_stats.add(name=name).rank_histogram
            for value, count in sorted(accumulator.rows.items()):
                by_value.buckets.add(label=str(value), sample_count=count)
        elif accumulator.finite:
            name = recorded.Statistics.HUNDREDTHS
            histogram = found.custom_stats.add(name=name).histogram
            histogram.type = statistics_pb2.Histogram.QUANTILES
            parts = np.linspace(0, 1, HUNDREDTHS + 1)
            edges = np.quantile(accumulator.sample, parts, method="inverted_cdf")
            for low, high in itertools.pairwise(edges):
                histogram.buckets.add(
                    low_value=low,
                    high_value=high,
                    sample_count=accumulator.finite / HUNDREDTHS,
                )
        return found
