"""How Vertex AI explains an answer: the model's inputs and output, in its own terms.

The inputs are those of the signature `serving_default`: each raw column is one.
Strings and integers have no gradients, so the attribution is sampled Shapley values,
which ask the model again with some of the columns at their baseline.
"""

from __future__ import annotations

from collections.abc import Mapping

from transform.features import Features

OUTPUT = "probability"

PATHS = 10
"""Orders of the columns that are tried; the error falls with more, the cost rises."""


def spec(features: Features, kinds: Mapping[str, str]) -> dict[str, object]:
    """The ExplanationSpec as plain values, for the upload of a version.

    Args:
      features: the roles of the columns.
      kinds: raw column -> INT, FLOAT or BYTES, as the curated schema has it.
    """
    return {
        "parameters": {"sampled_shapley_attribution": {"path_count": PATHS}},
        "metadata": {
            "inputs": {
                column: _input(column, kinds.get(column, "BYTES"))
                for column in features.columns
            },
            "outputs": {OUTPUT: {"output_tensor_name": OUTPUT}},
        },
    }


def _input(column: str, kind: str) -> dict[str, object]:
    found: dict[str, object] = {"input_tensor_name": column, "encoding": "IDENTITY"}
    if kind != "FLOAT":
        found["modality"] = "categorical"
    if kind == "BYTES":
        found["input_baselines"] = [{"string_value": ""}]  # which means missing
    return found
