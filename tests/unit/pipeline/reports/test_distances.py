"""The distances are TFDV's own, to the digit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from pipeline.reports import distances, statistics

RANDOM = np.random.default_rng(17)


def written(folder, name, values):
    file = folder / f"{name}.pb"
    content = tfdv.generate_statistics_from_dataframe(pd.DataFrame({"x": values}))
    file.write_bytes(content.SerializeToString())
    return content, statistics.of_file(file)["x"]


def by_tfdv(before, after, comparator):
    schema = tfdv.infer_schema(after)
    threshold = getattr(schema.feature[0].drift_comparator, comparator)
    threshold.threshold = 0.0
    found = tfdv.validate_statistics(after, schema, previous_statistics=before)
    [info] = found.drift_skew_info
    return info.drift_measurements[0].value


@pytest.mark.parametrize(
    "after",
    [
        RANDOM.normal(0.5, 1, 3000),
        RANDOM.exponential(3, 2000),
        RANDOM.integers(0, 4, 2500).astype(float),
    ],
    ids=["shifted", "skewed", "whole numbers"],
)
def test_numbers_move_as_tfdv_measures(tmp_path, after):
    old, one = written(tmp_path, "old", RANDOM.normal(0, 1, 4000))
    new, other = written(tmp_path, "new", after)

    found = distances.between(one, other)

    expected = by_tfdv(old, new, "jensen_shannon_divergence")
    assert found == pytest.approx(expected, abs=1e-6)
    assert found > 0.01


def test_words_move_as_tfdv_measures(tmp_path):
    old, one = written(tmp_path, "old", RANDOM.choice(list("abcd"), 1000).tolist())
    new, other = written(tmp_path, "new", RANDOM.choice(list("aabce"), 800).tolist())

    expected = by_tfdv(old, new, "infinity_norm")

    assert distances.between(one, other) == pytest.approx(expected, abs=1e-6)


def test_the_same_does_not_move(tmp_path):
    _, one = written(tmp_path, "old", RANDOM.normal(0, 1, 400))

    assert distances.between(one, one) == 0


def test_numbers_of_a_single_value_that_changed_have_nothing_in_common():
    assert distances.jensen_shannon([(3, 3, 10)], [(4, 4, 10)]) == 1


def test_what_became_words_has_no_distance(tmp_path):
    _, one = written(tmp_path, "old", [1.0, 2.0])
    _, other = written(tmp_path, "new", ["1", "2"])

    assert distances.between(one, other) is None


def test_an_empty_column_has_no_distance():
    assert distances.jensen_shannon([], [(0, 1, 5)]) is None
    assert distances.l_infinity({}, {"a": 1}) is None
