"""Statistics over batches are TFDV's over the whole."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.components.statistics_gen import executor as tfx_statistics
from tfx.types import standard_artifacts

from pipeline.components import statistics as component
from pipeline.data import statistics

RANDOM = np.random.default_rng(5)


def batch(rows: int) -> pa.RecordBatch:
    """Numbers, names and counts; some rows lack a value."""

    def lists(values, type_):
        missing = RANDOM.random(rows) < 0.1
        return pa.array(
            [None if m else [v] for v, m in zip(values, missing, strict=True)],
            pa.list_(type_),
        )

    return pa.RecordBatch.from_pydict(
        {
            "fare": lists(RANDOM.normal(10, 3, rows).tolist(), pa.float32()),
            "hour": lists(RANDOM.integers(0, 24, rows).tolist(), pa.int64()),
            "company": lists(
                [f"c{n}".encode() for n in RANDOM.zipf(1.5, rows) % 50], pa.binary()
            ),
        }
    )


def test_batch_after_batch_gives_the_statistics_of_all_rows():
    parts = [batch(rows) for rows in (700, 1, 299)]
    whole = pa.Table.from_batches(parts).combine_chunks().to_batches()[0]

    [ours] = statistics.computed(parts).datasets

    [theirs] = stats_impl.generate_statistics_in_memory(whole).datasets
    assert ours.num_examples == theirs.num_examples == 1000
    by_name = {feature.path.step[0]: feature for feature in theirs.features}
    assert {feature.path.step[0] for feature in ours.features} == set(by_name)
    for feature in ours.features:
        other = by_name[feature.path.step[0]]
        if feature.HasField("string_stats"):
            mine, yours = feature.string_stats, other.string_stats
            assert mine.unique == yours.unique
            assert list(mine.top_values) == list(yours.top_values)
        else:
            mine, yours = feature.num_stats, other.num_stats
            assert (mine.min, mine.max) == (yours.min, yours.max)
            assert mine.mean == pytest.approx(yours.mean)
            assert mine.std_dev == pytest.approx(yours.std_dev)
        assert mine.common_stats.num_missing == yours.common_stats.num_missing
        assert mine.common_stats.num_non_missing == yours.common_stats.num_non_missing


def test_on_workers_the_stock_executor_does_it_and_its_rows_are_counted(
    monkeypatch, tmp_path
):
    made = standard_artifacts.ExampleStatistics()
    made.uri = str(tmp_path)

    def stock(self, inputs, outputs, settings):
        content = statistics_pb2.DatasetFeatureStatisticsList()
        content.datasets.add(num_examples=3)
        file = tmp_path / "Split-train" / "FeatureStats.pb"
        file.parent.mkdir()
        file.write_bytes(content.SerializeToString())
        made.split_names = '["train"]'

    monkeypatch.setattr(tfx_statistics.Executor, "Do", stock)
    executor = component.Executor()
    executor._beam_pipeline_args = ["--runner=DataflowRunner"]

    executor.Do({}, {"statistics": [made]}, {"a": 1})

    assert made.get_string_custom_property("rows_by_split") == '{"train": 3}'
