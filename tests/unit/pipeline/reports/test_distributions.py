"""All splits of a column on one axis, where the rows are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pipeline.reports import distributions
from pipeline.reports.statistics import Column


def column(**values) -> Column:
    return Column(name="x", rows=100, missing=0, is_number=True, **values)


def hundredths(values) -> tuple[tuple[float, float, float], ...]:
    edges = np.quantile(values, np.linspace(0, 1, 101), method="inverted_cdf")
    return tuple((a, b, 1.0) for a, b in itertools.pairwise(edges))


def test_whole_numbers_stand_one_by_one_and_a_day_without_rows_is_empty():
    train = column(counts={1: 10, 2: 20, 4: 10})
    test = column(counts={2: 1, 5: 3})

    found = distributions.of([train, test])

    assert found.ends == (1, 5)
    assert found.shares == (
        pytest.approx((0.25, 0.5, 0, 0.25, 0)),
        pytest.approx((0, 0.25, 0, 0, 0.75)),
    )
    assert not found.cut


def test_one_large_value_does_not_make_a_sliver_of_the_rest():
    fares = [*np.linspace(0, 50, 999), 7000.0]

    found = distributions.of([column(hundredths=hundredths(fares))])

    low, high = found.ends
    assert low == pytest.approx(0.5, abs=0.1)
    assert high == pytest.approx(49.5, abs=0.1)
    assert found.cut
    # An even share each: no bin stands out.
    assert len(found.shares[0]) == distributions.BINS
    assert found.shares[0] == pytest.approx([0.98 / distributions.BINS] * 24, abs=0.01)


def test_splits_of_other_ranges_have_the_same_edges():
    """Two samples of one latitude looked shifted, each on its own range."""
    one, other = np.linspace(41.7, 42.0, 500), np.linspace(41.7, 42.1, 500)

    found = distributions.of([column(hundredths=hundredths(v)) for v in (one, other)])

    assert found.ends == pytest.approx((41.703, 42.096), abs=0.001)
    ratio = found.shares[0][3] / found.shares[1][3]
    assert ratio == pytest.approx(4 / 3, rel=0.05)
    assert sum(found.shares[0]) == pytest.approx(0.99, abs=0.01)


def test_a_value_that_many_rows_have_is_one_bar():
    miles = [0.0] * 270 + [*np.linspace(0.1, 20, 730)]

    [shares] = distributions.of([column(hundredths=hundredths(miles))]).shares

    assert shares[0] == pytest.approx(0.27 + 0.73 / 24, abs=0.02)
    assert max(shares[1:]) < 0.05


def test_one_split_of_few_and_one_of_many_whole_numbers_share_their_bins():
    few = column(counts={0: 50, 600: 50})
    many = column(hundredths=hundredths(range(0, 601, 3)))

    found = distributions.of([few, many])

    assert found.ends == (0, 600)
    assert [round(s, 2) for s in found.shares[0] if s] == [0.5, 0.5]
    assert sum(found.shares[1]) == pytest.approx(1, abs=0.02)


def test_statistics_of_an_older_run_have_their_ten_bins():
    old = column(histogram=((0, 5, 90), (5, 10, 10), (10, math.inf, 0)))

    found = distributions.of([old])

    assert found.ends == (pytest.approx(0.0556, abs=0.001), 9.5)
    assert found.shares[0][0] > 5 * found.shares[0][-1] > 0


def test_a_single_value_is_one_bar_in_the_middle():
    found = distributions.of([column(hundredths=((3.5, 3.5, 1.0),) * 100)])

    assert (found.ends, found.shares) == ((3.5, 3.5), ((0, 1, 0),))


def test_where_there_is_no_number_nothing_is_drawn():
    assert distributions.of([column()]) is None
    assert distributions.of([column(histogram=((math.nan, math.nan, 0),))]) is None
