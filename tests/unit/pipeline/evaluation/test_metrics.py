"""The metrics over arrays are TFMA's own numbers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from pipeline.config.evaluation import METRICS
from pipeline.evaluation import metrics

RANDOM = np.random.default_rng(3)
LABELS = RANDOM.integers(0, 2, 3000).astype(float)
CASES = {
    "scores": (LABELS, np.clip(RANDOM.normal(0.35 + 0.3 * LABELS, 0.2), 0, 1)),
    "ties": (LABELS, RANDOM.integers(0, 5, 3000) / 4),
    "nothing above a half": (LABELS, RANDOM.random(3000) / 3),
    "only negatives": (np.zeros(50), RANDOM.random(50)),
    "only positives": (np.ones(50), RANDOM.random(50)),
    "one row": (np.ones(1), np.array([0.5])),
}


def by_tfma(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    config = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(label_key="label", prediction_key="prediction")
        ],
        slicing_specs=[config_pb2.SlicingSpec()],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(
                        class_name=name, config=json.dumps({"name": metric})
                    )
                    for metric, name in METRICS.items()
                ]
            )
        ],
    )
    frame = pd.DataFrame({"label": labels, "prediction": predictions})
    [(_, found)] = tfma.analyze_raw_data(frame, config).slicing_metrics
    return {name: float(value["doubleValue"]) for name, value in found[""][""].items()}


@pytest.mark.parametrize("case", CASES)
def test_every_metric_is_tfmas(case):
    labels, predictions = CASES[case]

    ours = metrics.all_of(labels, predictions)

    theirs = by_tfma(labels, predictions)
    assert set(ours) == set(METRICS)
    np.testing.assert_allclose(
        [ours[name] for name in METRICS],
        [theirs[name] for name in METRICS],
        rtol=1e-6,
        equal_nan=True,
    )


def test_every_metric_that_may_be_configured_can_be_computed():
    assert list(metrics.METRICS) == list(METRICS)
