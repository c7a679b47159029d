"""StatisticsGen: TFDV's statistics, without Beam where one process is enough."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen import component
from tfx.components.statistics_gen import executor as tfx_statistics
from tfx.components.util import tfxio_utils
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs

from pipeline import recorded
from pipeline.data import records
from pipeline.data import statistics as statistics_lib
from pipeline.data.in_process import in_process
from pipeline.nodes import STATISTICS_GEN


class Executor(tfx_statistics.Executor):
    """Adds batch after batch to TFDV's own accumulators.

    Beam's in-memory runner spends seconds on a graph of a hundred steps for each split
    and then does the same additions one after the other. On workers it is worth it.
    """

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the statistics of every split, and how many rows each has."""
        [statistics] = output_dict[standard_component_specs.STATISTICS_KEY]
        [examples] = input_dict[standard_component_specs.EXAMPLES_KEY]
        statistics.split_names = examples.split_names
        statistics.span = examples.span
        if in_process(self._beam_pipeline_args):
            _write(examples, statistics)
        else:
            self._spread(examples, statistics)
        rows = {split: _rows(statistics, split) for split in _splits(statistics)}
        statistics.set_string_custom_property(recorded.Data.ROWS, json.dumps(rows))

    def _spread(self, examples: types.Artifact, statistics: types.Artifact) -> None:
        """By Beam's workers, as the stock executor, which takes no generators."""
        with self._make_beam_pipeline() as beam:
            for split in _splits(examples):
                rows = tfxio_utils.get_split_tfxio(
                    [examples], split, telemetry_descriptors=[STATISTICS_GEN]
                )
                _ = (
                    beam
                    | f"TFXIORead[{split}]" >> rows.BeamSource()
                    | f"GenerateStatistics[{split}]"
                    >> tfdv.GenerateStatistics(statistics_lib.options())
                    | f"WriteStatsOutput[{split}]"
                    >> tfdv.WriteStatisticsToBinaryFile(_file(statistics, split))
                )


class StatisticsGen(component.StatisticsGen):
    """The stock component with the executor above."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def _write(examples: types.Artifact, statistics: types.Artifact) -> None:
    for split in _splits(examples):
        source = artifact_utils.get_split_uri([examples], split)
        fileio.makedirs(artifact_utils.get_split_uri([statistics], split))
        content = statistics_lib.computed(records.batches(source)).SerializeToString()
        with fileio.open(_file(statistics, split), "wb") as file:
            file.write(content)


def _rows(statistics: types.Artifact, split: str) -> int:
    content = statistics_pb2.DatasetFeatureStatisticsList()
    with fileio.open(_file(statistics, split), "rb") as file:
        content.ParseFromString(file.read())
    return int(content.datasets[0].num_examples)


def _file(statistics: types.Artifact, split: str) -> str:
    folder = artifact_utils.get_split_uri([statistics], split)
    return os.path.join(folder, tfx_statistics.DEFAULT_FILE_NAME)


def _splits(artifact: types.Artifact) -> list[str]:
    return artifact_utils.decode_split_names(artifact.split_names)
