"""Transform: TFX's, without Beam where one process is enough."""

from __future__ import annotations

import functools
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.transform import component, labels
from tfx.components.transform import executor as tfx_transform
from tfx.components.util import value_utils
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tf_example_record

from pipeline.analysis import graph, plan
from pipeline.data import records
from pipeline.data.in_process import in_process

# What TFX's own sources take at most.
_ROWS = 1000

_ALONE = {
    labels.TRANSFORM_METADATA_OUTPUT_PATH_LABEL,
    labels.TRANSFORM_MATERIALIZE_OUTPUT_PATHS_LABEL,
    labels.TEMP_OUTPUT_LABEL,
}
"""What TFX asks for where nothing is to be written but the graph."""

_LOG = logging.getLogger("millrace")


class Processor(tfx_transform.TransformProcessor):
    """TFX's, which traces nine times, saves twice and lets Beam size batches by clock.

    Sums of floats depend on where the batches end, so with batches by the clock a
    variance differs in its last bit from run to run, and with it every weight of the
    model. Here the same data give the same graph. On workers, where Beam merges in no
    fixed order, they do not.
    """

    def __init__(self, alone: bool) -> None:
        """Makes one that does the work in this process, or leaves it to Beam."""
        self._alone = alone

    def Transform(  # noqa: N802 (TFX's name)
        self,
        inputs: Mapping[str, object],
        outputs: Mapping[str, object],
        status_file: str | None = None,
    ) -> None:
        """Writes the graph; by Beam where it is asked for more, or for an analyzer that
        only Beam has.
        """
        if not self._alone or not _asks_for_the_graph_alone(inputs, outputs):
            super().Transform(inputs, outputs, status_file)
            return
        try:
            self._transform(inputs, outputs)
        except plan.UnknownAnalyzerError as unknown:
            _LOG.warning("Transform: %s is left to Beam, which is slower", unknown)
            super().Transform(inputs, outputs, status_file)

    def _transform(
        self, inputs: Mapping[str, object], outputs: Mapping[str, object]
    ) -> None:
        schema = self._GetSchema(
            value_utils.GetSoleValue(inputs, labels.SCHEMA_PATH_LABEL)
        )
        source = tf_example_record.TFExampleRecord(
            file_pattern="", telemetry_descriptors=[], schema=schema
        )
        adapter = source.TensorAdapter()
        patterns = value_utils.GetValues(inputs, labels.ANALYZE_DATA_PATHS_LABEL)
        folder = value_utils.GetSoleValue(
            outputs, labels.TRANSFORM_METADATA_OUTPUT_PATH_LABEL
        )
        with tempfile.TemporaryDirectory(prefix="millrace-transform-") as scratch:
            planned = graph.Graph(
                value_utils.GetSoleValue(inputs, labels.PREPROCESSING_FN),
                adapter.OriginalTypeSpecs(),
                functools.partial(_shards, patterns, schema, adapter),
                scratch,
            )
            planned.save(folder, schema)

    def _GetDesiredBatchSize(  # noqa: N802 (TFX's name)
        self, data_format: int, schema: schema_pb2.Schema
    ) -> int:
        return super()._GetDesiredBatchSize(data_format, schema) or _ROWS


class Executor(tfx_transform.Executor):
    """TFX's, with the processor above."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """As TFX's, which makes its processor itself."""
        ours = functools.partial(Processor, in_process(self._beam_pipeline_args))
        with mock.patch.object(tfx_transform, "TransformProcessor", ours):
            super().Do(input_dict, output_dict, exec_properties)


class Transform(component.Transform):
    """The stock component with the executor above."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def _asks_for_the_graph_alone(
    inputs: Mapping[str, object], outputs: Mapping[str, object]
) -> bool:
    return (
        set(outputs) <= _ALONE
        and not outputs[labels.TRANSFORM_MATERIALIZE_OUTPUT_PATHS_LABEL]
        and not inputs[labels.FORCE_TF_COMPAT_V1_LABEL]
        and not inputs.get(labels.SAVE_OPTIONS_LABEL)
        and bool(inputs[labels.DISABLE_STATISTICS_LABEL])
        and inputs[labels.EXAMPLES_DATA_FORMAT_LABEL]
        == example_gen_pb2.FORMAT_TF_EXAMPLE
    )


def _shards(
    patterns: Sequence[str], schema: schema_pb2.Schema, adapter: Any
) -> Iterator[Iterator[Any]]:
    """Each file's rows as TFT takes them, in batches of a fixed size."""
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
    for pattern in patterns:
        for file in sorted(tf.io.gfile.glob(pattern)):
            yield (
                adapter.ToBatchTensors(
                    decoder.DecodeBatch(rows), produce_eager_tensors=True
                )
                for rows in records.of_file(file, _ROWS)
            )
