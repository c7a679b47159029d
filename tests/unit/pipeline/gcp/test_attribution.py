"""What Vertex AI is told of the model's inputs."""

from __future__ import annotations

import pytest
from google.cloud import aiplatform_v1

from pipeline.gcp import attribution
from transform.features import Features

FEATURES = Features(
    numeric=("fare",),
    integers={"hour": 24},
    vocabulary={"company": {"size": 5}},
    label={"name": "y", "rule": "equals", "column": "z", "value": "1"},
)


@pytest.fixture
def spec():
    kinds = {"fare": "FLOAT", "hour": "INT", "company": "BYTES", "z": "BYTES"}
    return aiplatform_v1.ExplanationSpec(attribution.spec(FEATURES, kinds))


def test_each_feature_column_is_an_input_and_the_label_is_none(spec):
    assert set(spec.metadata.inputs) == {"fare", "hour", "company"}


def test_numbers_that_have_no_gradient_are_categories(spec):
    found = {name: value.modality for name, value in spec.metadata.inputs.items()}

    assert found == {"fare": "", "hour": "categorical", "company": "categorical"}


def test_the_baseline_of_a_text_is_that_it_is_missing(spec):
    [baseline] = spec.metadata.inputs["company"].input_baselines

    assert baseline == ""


def test_no_gradients_are_asked_for(spec):
    assert spec.parameters.sampled_shapley_attribution.path_count == 10
