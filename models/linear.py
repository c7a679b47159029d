"""Logistic regression over all features: the model to beat."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from models import inputs as inputs_lib
from models.hparams import HParams


def build(specs: Sequence[inputs_lib.InputSpec], hparams: HParams) -> keras.Model:
    """A Keras model from named inputs (batch, 1) to a probability (batch, 1)."""
    del hparams
    inputs = inputs_lib.keras_inputs(specs)
    return keras.Model(
        inputs,
        keras.layers.Activation("sigmoid", name="probability")(logit(specs, inputs)),
        name="linear",
    )


def logit(
    specs: Sequence[inputs_lib.InputSpec], inputs: inputs_lib.Tensors
) -> keras.KerasTensor:
    """One weight an id and one a number, summed: (batch, 1)."""
    weights = inputs_lib.embedded(specs, inputs, width=1)
    columns = inputs_lib.joined([*inputs_lib.numeric(specs, inputs), *weights])
    return keras.layers.Dense(1)(columns)
