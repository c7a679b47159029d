"""StatisticsGen on folders, given as paths and as addresses."""

from __future__ import annotations

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tfx.types import standard_artifacts

from pipeline.components import statistics
from pipeline.data import in_process, writing
from pipeline.data.splitting import Splits


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "address"])
def test_it_measures_and_writes_where_it_is_told(tmp_path, scheme):
    rows = pa.RecordBatch.from_pydict({"fare": pa.array([1.0, 2.0], pa.float32())})
    folder = str(tmp_path / "examples")
    with writing.Shards(folder, 0, 1, Splits({"train": 1})) as shards:
        shards.write(writing.encoded(rows), [0, 0])
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = f"{scheme}{folder}", '["train"]'
    made = standard_artifacts.ExampleStatistics()
    made.uri = f"{scheme}{tmp_path}/statistics"

    executor = statistics.Executor()
    executor._beam_pipeline_args = [in_process.IN_PROCESS]

    executor.Do({"examples": [examples]}, {"statistics": [made]}, {})

    file = tmp_path / "statistics" / "Split-train" / "FeatureStats.pb"
    [found] = tfdv.load_stats_binary(str(file)).datasets
    assert found.num_examples == 2
    assert found.features[0].num_stats.mean == 1.5
    assert made.get_string_custom_property("rows_by_split") == '{"train": 2}'
