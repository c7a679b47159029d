"""TFDV's statistics of a data set, as columns of splits; no TFDV needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline import recorded

Bucket = tuple[float, float, float]
"""Low, high and rows of a bucket."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """One raw column of one split."""

    name: str
    rows: int
    """With and without a value."""

    missing: float
    """Share of the rows without a value."""

    is_number: bool

    mean: float | None = None
    deviation: float | None = None
    min: float | None = None
    median: float | None = None
    max: float | None = None
    zeros: float | None = None
    """Share of the values that are 0."""

    unique: int | None = None
    histogram: tuple[Bucket, ...] = ()
    """Counts of equally wide bins over its own range, of a column of numbers."""

    counts: Mapping[int, float] = dataclasses.field(default_factory=dict)
    """Of a column of few whole numbers: value -> rows, the smallest first."""

    hundredths: tuple[Bucket, ...] = ()
    """Of another column of numbers: buckets of the same number of rows."""

    nan: int = 0
    infinite: int = 0
    """Values that are no numbers: they count as missing."""

    values: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Of a column of words: value -> rows, the most frequent first, a thousand."""

    @property
    def present(self) -> float:
        """Rows with a value."""
        return self.rows * (1 - self.missing)


Splits = Mapping[str, Mapping[str, Column]]
"""Split -> column's name -> column."""

_ORDER = ("train", "eval", "test")


def of_artifact(folder: str) -> dict[str, dict[str, Column]]:
    """The statistics of every split, train first."""
    files = {
        file.parent.name.removeprefix("Split-"): file
        for file in Path(folder).glob("Split-*/FeatureStats.pb")
    }
    return {name: of_file(files[name]) for name in sorted(files, key=order)}


def order(split: str) -> tuple[int, str]:
    """Sorts splits as they are used: train, eval, test."""
    return (_ORDER.index(split) if split in _ORDER else len(_ORDER), split)


def of_file(file: Path) -> dict[str, Column]:
    """The statistics in one file of StatisticsGen."""
    content = statistics_pb2.DatasetFeatureStatisticsList()
    content.ParseFromString(file.read_bytes())
    columns = [
        _column(feature, int(dataset.num_examples))
        for dataset in content.datasets[:1]
        for feature in dataset.features
    ]
    return {column.name: column for column in columns}


def rows_of(columns: Mapping[str, Column]) -> int:
    """The rows of a split."""
    return max((column.rows for column in columns.values()), default=0)


def _column(feature: statistics_pb2.FeatureNameStatistics, rows: int) -> Column:
    name = feature.name or ".".join(feature.path.step)
    if feature.WhichOneof("stats") == "num_stats":
        return _of_numbers(name, rows, feature)
    kind = feature.WhichOneof("stats") or "string_stats"
    words, common = feature.string_stats, getattr(feature, kind).common_stats
    buckets = words.rank_histogram.buckets
    return Column(
        name=name,
        rows=rows,
        missing=_missing(common, rows),
        is_number=False,
        unique=int(words.unique),
        values={bucket.label: bucket.sample_count for bucket in buckets},
    )


def _of_numbers(
    name: str, rows: int, feature: statistics_pb2.FeatureNameStatistics
) -> Column:
    numbers = feature.num_stats
    custom = {each.name: each for each in feature.custom_stats}
    counts = {
        int(bucket.label): bucket.sample_count
        for bucket in custom.get(_NAMES.COUNTS, _NONE).rank_histogram.buckets
    }
    hundredths = _buckets(custom.get(_NAMES.HUNDREDTHS, _NONE).histogram)
    nan = int(custom.get(_NAMES.NAN, _NONE).num)
    infinite = int(custom.get(_NAMES.INFINITE, _NONE).num)
    low, high = numbers.min, numbers.max
    if infinite and (counts or hundredths):  # TFDV's are infinite, too
        ends = [*counts, *(edge for low, high, _ in hundredths for edge in (low, high))]
        low, high = min(ends), max(ends)
    return Column(
        name=name,
        rows=rows,
        missing=_missing(numbers.common_stats, rows, nan + infinite),
        is_number=True,
        mean=None if infinite else numbers.mean,
        deviation=None if infinite else numbers.std_dev,
        min=low,
        median=numbers.median,
        max=high,
        zeros=numbers.num_zeros / max(1, numbers.common_stats.tot_num_values),
        histogram=_histogram(numbers),
        counts=counts,
        hundredths=hundredths,
        nan=nan,
        infinite=infinite,
    )


_NAMES = recorded.Statistics
_NONE = statistics_pb2.CustomStatistic()


def _missing(
    common: statistics_pb2.CommonStatistics, rows: int, not_numbers: int = 0
) -> float:
    """A row without a value has the feature, with no value in it (num_missing is 0)."""
    if not rows:
        return 0.0
    one_at_most = common.max_num_values <= 1
    values = common.tot_num_values - not_numbers
    present = values if one_at_most else common.num_non_missing
    return 1 - min(present, rows) / rows


def _histogram(numbers: statistics_pb2.NumericStatistics) -> tuple[Bucket, ...]:
    for histogram in numbers.histograms:
        if histogram.type == statistics_pb2.Histogram.STANDARD:
            return _buckets(histogram)
    return ()


def _buckets(histogram: statistics_pb2.Histogram) -> tuple[Bucket, ...]:
    return tuple((b.low_value, b.high_value, b.sample_count) for b in histogram.buckets)
