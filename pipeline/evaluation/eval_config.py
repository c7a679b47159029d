"""TFMA's configuration: which metrics on which slices."""

from __future__ import annotations

import json

from tensorflow_model_analysis.proto import config_pb2

from pipeline.config.config import Config
from pipeline.config.evaluation import METRICS
from pipeline.evaluation.metrics import BASELINE, CANDIDATE


def eval_config(config: Config) -> config_pb2.EvalConfig:
    """Every metric of `METRICS`, overall and for each configured slice rule.

    No thresholds: `evaluation.judge` decides, from the same configuration, because
    TFMA's own validation neither explains itself nor passes over tiny slices.
    """
    metrics = [
        config_pb2.MetricConfig(class_name=name, config=json.dumps({"name": metric}))
        for metric, name in METRICS.items()
    ]
    slices = [config_pb2.SlicingSpec()]
    slices += [
        config_pb2.SlicingSpec(feature_keys=rule.feature_keys)
        for rule in config.evaluation.slices
    ]
    return config_pb2.EvalConfig(
        model_specs=[
            _model_spec(config, name=CANDIDATE),
            _model_spec(config, name=BASELINE, is_baseline=True),
        ],
        slicing_specs=slices,
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _model_spec(config: Config, **fields: object) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        signature_name="serving_examples",
        prediction_key="probability",
        label_key=config.features.label.name,
        preprocessing_function_names=["transform_features"],
        **fields,
    )
