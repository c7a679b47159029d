"""What Vertex AI is told of the inputs is what the pushed model has."""

from __future__ import annotations

from google.cloud import aiplatform_v1
from google.cloud.aiplatform.explain.metadata.tf.v2 import (
    saved_model_metadata_builder as builder,
)

from pipeline import pipeline
from pipeline.config import config as config_lib
from pipeline.gcp import attribution
from tests.e2e.conftest import Ran


def test_the_explanation_names_the_inputs_of_the_pushed_model(taxi: Ran):
    """As Google's own builder reads them from the SavedModel."""
    config = config_lib.load().config
    schema = (config_lib.ROOT / config.data.schema_file).read_text(encoding="utf-8")

    made = aiplatform_v1.ExplanationSpec(
        attribution.spec(config.features, pipeline._kinds(schema))
    )

    inferred = builder.SavedModelMetadataBuilder(
        taxi.summary["pushed"], signature_name="serving_default"
    ).get_metadata_protobuf()
    assert {
        name: (value.input_tensor_name, value.modality)
        for name, value in made.metadata.inputs.items()
    } == {
        name: (value.input_tensor_name, value.modality)
        for name, value in inferred.inputs.items()
    }
    assert made.metadata.outputs == inferred.outputs
