"""Who computes the Evaluator's metrics."""

from __future__ import annotations

import pytest
from tfx.components.evaluator import executor as tfx_evaluator

from pipeline import beam_arguments
from pipeline.components import evaluator
from pipeline.config import config as config_lib

CLUSTER = "{job_endpoint: 'h:1', worker_pool: 'h:2'}"


@pytest.mark.parametrize(
    "sets",
    [
        ["beam.runner=multi_processing"],
        ["beam.runner=flink", f"beam.flink={CLUSTER}"],
        ["beam.runner=spark", f"beam.spark={CLUSTER}"],
        ["beam.runner=dataflow", "output_root=gs://bucket/root"],
    ],
    ids=["multi_processing", "flink", "spark", "dataflow"],
)
def test_on_workers_it_is_tfmas_pipeline(sets, monkeypatch):
    asked = []
    monkeypatch.setattr(
        tfx_evaluator.Executor, "Do", lambda self, *arguments: asked.append(arguments)
    )
    executor = evaluator.Executor()
    config = config_lib.load((), sets, platform="vertex").config
    executor._beam_pipeline_args = beam_arguments.arguments(config)

    monkeypatch.setattr(executor, "_labelled", lambda inputs, *_: {**inputs, "x": 1})
    properties = {"eval_config": "{}", "example_splits": '["test"]'}

    executor._measure({}, {}, properties)

    assert asked == [({"x": 1}, {}, properties)]
