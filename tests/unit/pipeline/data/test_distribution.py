"""Each value of few whole numbers, and the hundredths of others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipeline import recorded
from pipeline.data import statistics
from pipeline.data.distribution import SAMPLE, Distribution

RANDOM = np.random.default_rng(3)


def lists(values, type_) -> pa.Array:
    return pa.array([None if v is None else [v] for v in values], pa.list_(type_))


def measured(*batches: pa.Array) -> dict:
    """Name of each custom statistic -> it, by way of all of TFDV."""
    tables = [pa.RecordBatch.from_pydict({"x": batch}) for batch in batches]
    [feature] = statistics.computed(tables).datasets[0].features
    return {custom.name: custom for custom in feature.custom_stats}


def counts(found: dict) -> dict[str, float]:
    buckets = found[recorded.Statistics.COUNTS].rank_histogram.buckets
    return {bucket.label: bucket.sample_count for bucket in buckets}


def edges(found: dict) -> list[float]:
    buckets = found[recorded.Statistics.HUNDREDTHS].histogram.buckets
    return [buckets[0].low_value, *(bucket.high_value for bucket in buckets)]


def test_whole_numbers_are_counted_value_by_value_over_all_batches():
    found = measured(
        lists([3, None, -1, 3], pa.int64()), lists([10, 3], pa.int64())
    )  # fmt: skip

    assert list(counts(found).items()) == [("-1", 1), ("3", 3), ("10", 1)]
    assert recorded.Statistics.HUNDREDTHS not in found


def test_whole_numbers_in_a_column_of_floats_are_counted_too():
    values = [2020.0, 2021.0, float("nan"), float("inf"), 2020.0]

    assert counts(measured(lists(values, pa.float32()))) == {"2020": 2, "2021": 1}


@pytest.mark.parametrize(
    "values", [range(101), [0.5, *range(50)]], ids=["many", "not whole"]
)
def test_other_numbers_have_their_hundredths(values):
    found = measured(lists([float(v) for v in values], pa.float32()))

    assert recorded.Statistics.COUNTS not in found
    assert (edges(found)[0], edges(found)[-1]) == (min(values), max(values))


def test_hundredths_are_near_the_true_ones_of_rows_that_no_sample_holds():
    values = RANDOM.lognormal(1, 1, 20 * SAMPLE)
    parts = [lists(part, pa.float32()) for part in np.split(values, 8)]

    found = edges(measured(*parts))

    ranks = np.searchsorted(np.sort(values), found) / len(values)
    assert np.abs(ranks - np.linspace(0, 1, 101)).max() < 0.03
    buckets = measured(*parts)[recorded.Statistics.HUNDREDTHS].histogram.buckets
    assert sum(b.sample_count for b in buckets) == pytest.approx(len(values))


def test_the_same_rows_give_the_same_statistics():
    values = lists(RANDOM.normal(size=3 * SAMPLE), pa.float32())

    assert edges(measured(values)) == edges(measured(values))


def test_what_workers_counted_apart_is_added_up():
    generator = Distribution()

    def seen(values, type_):
        total = generator.create_accumulator()
        return generator.add_input(total, None, lists(values, type_))

    whole = generator.merge_accumulators(
        [seen([1, 2], pa.int64()), seen([], pa.int64()), seen([2], pa.int64())]
    )
    mixed = generator.merge_accumulators(
        [seen([1.0] * SAMPLE, pa.float64()), seen([2.5] * SAMPLE * 3, pa.float64())]
    )

    assert whole.rows == {1: 1, 2: 2}
    assert mixed.rows is None
    assert mixed.finite == 4 * SAMPLE
    assert len(mixed.sample) == SAMPLE
    # A quarter of the rows, from whichever worker.
    assert np.mean(mixed.sample == 1.0) == pytest.approx(0.25, abs=0.03)


def test_many_small_additions_favor_nobody():
    """Bundles of a few rows, of which TFDV adds up two at a time."""
    generator = Distribution()
    total = generator.create_accumulator()
    for number in range(600):
        part = lists([number + 0.5] * 50, pa.float64())
        other = generator.add_input(generator.create_accumulator(), None, part)
        total = generator.merge_accumulators([total, other])

    assert total.finite == 30_000
    assert len(total.sample) == SAMPLE
    assert np.mean(total.sample) == pytest.approx(300, abs=15)
    assert np.mean(total.sample < 100) == pytest.approx(1 / 6, abs=0.03)


def test_what_is_no_number_is_counted_over_all_batches_and_workers():
    nan, inf = float("nan"), float("inf")
    parts = [[0.5, nan, inf], [nan, -inf, None, nan], [1.0]]

    found = measured(*(lists(part, pa.float32()) for part in parts))

    numbers = {name: found[name].num for name in ("nan", "infinite")}
    assert numbers == {"nan": 3, "infinite": 2}
    assert edges(found)[-1] == 1.0
    generator = Distribution()
    totals = [
        generator.add_input(
            generator.create_accumulator(), None, lists(p, pa.float32())
        )
        for p in parts
    ]
    total = generator.merge_accumulators(totals)
    assert (total.nan, total.infinite, total.finite) == (3, 2, 2)


def test_words_and_columns_without_a_value_have_none():
    assert measured(lists([b"a", b"b"], pa.binary())) == {}
    assert measured(pa.array([None, None], pa.null())) == {}
