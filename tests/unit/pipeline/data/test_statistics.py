"""Statistics over batches are TFDV's over the whole."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow_data_validation.statistics import stats_impl
from tfx.components.statistics_gen import stats_artifact_utils as artifact_utils
from tfx.types import standard_artifacts
from tfx_bsl.coders import example_coder

from pipeline import recorded
from pipeline.components import statistics as component
from pipeline.data import statistics
from pipeline.data.in_process import IN_PROCESS

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


@pytest.fixture
def examples(tmp_path):
    """Two splits of tf.Examples; one column without a value in the second."""
    made = standard_artifacts.Examples()
    made.uri, made.split_names, made.span = str(tmp_path), '["train", "test"]', 7
    made.set_string_custom_property("file_format", "tfrecords_gzip")
    made.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    for split, rows in (("train", 300), ("test", 20)):
        folder = tmp_path / f"Split-{split}"
        folder.mkdir()
        table = batch(rows) if split == "train" else batch(rows).select(["fare"])
        encoded = example_coder.RecordBatchToExamplesEncoder().encode(table)
        with tf.io.TFRecordWriter(str(folder / "data.gz"), options="GZIP") as writer:
            for row in encoded:
                writer.write(row)
    return made


def test_workers_count_what_one_process_counts(examples, tmp_path):
    def counted(name: str, *beam: str):
        made = standard_artifacts.ExampleStatistics()
        made.uri = str(tmp_path / name)
        context = component.Executor.Context(
            beam_pipeline_args=list(beam), tmp_dir=str(tmp_path / "tmp")
        )
        component.Executor(context).Do(
            {"examples": [examples]}, {"statistics": [made]}, {}
        )
        rows = made.get_string_custom_property("rows_by_split")
        assert json.loads(rows) == {"train": 300, "test": 20}
        assert (made.split_names, made.span) == ('["train", "test"]', 7)
        return {
            split: artifact_utils.load_statistics(made, split).proto()
            for split in ("train", "test")
        }

    here = counted("here", IN_PROCESS)
    there = counted("there", "--runner=DirectRunner")

    for split, found in here.items():
        ours, theirs = (by_name(each) for each in (found, there[split]))
        assert set(ours) == set(theirs)
        for name, feature in ours.items():
            assert theirs[name].custom_stats == feature.custom_stats, name
            assert theirs[name].num_stats.max == feature.num_stats.max
    assert {custom.name for custom in by_name(here["train"])["hour"].custom_stats} == {
        recorded.Statistics.COUNTS
    }


def by_name(content) -> dict:
    return {f.path.step[0]: f for f in content.datasets[0].features}
