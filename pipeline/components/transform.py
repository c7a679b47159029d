"""Transform: TFX's, with batches of a fixed size."""

from __future__ import annotations

from typing import Any
from unittest import mock

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.transform import component
from tfx.components.transform import executor as tfx_transform
from tfx.dsl.components.base import executor_spec

# What TFX's own sources take at most.
_ROWS = 1000


class Processor(tfx_transform.TransformProcessor):
    """TFX's, which lets Beam find the size of a batch by the clock."""

    def _GetDesiredBatchSize(  # noqa: N802 (TFX's name)
        self, data_format: int, schema: schema_pb2.Schema
    ) -> int:
        return super()._GetDesiredBatchSize(data_format, schema) or _ROWS


class Executor(tfx_transform.Executor):
    """The same data give the same graph, to the last bit.

    Sums of floats depend on where the batches end: with batches by the clock a variance
    differs in its last bit from run to run, and with it every weight of the model. On
    workers, where Beam merges in no fixed order, it still does.
    """

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """As TFX's, which makes its processor itself."""
        with mock.patch.object(tfx_transform, "TransformProcessor", Processor):
            super().Do(input_dict, output_dict, exec_properties)


class Transform(component.Transform):
    """The stock component with the executor above."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
