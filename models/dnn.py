"""Embeddings and dense layers."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from models import inputs as inputs_lib
from models.hparams import HParams


def build(specs: Sequence[inputs_lib.InputSpec], hparams: HParams) -> keras.Model:
    """A Keras model from named inputs (batch, 1) to a probability (batch, 1)."""
    inputs = inputs_lib.keras_inputs(specs)
    return keras.Model(
        inputs,
        keras.layers.Activation("sigmoid", name="probability")(
            logit(specs, inputs, hparams)
        ),
        name="dnn",
    )


def logit(
    specs: Sequence[inputs_lib.InputSpec],
    inputs: inputs_lib.Tensors,
    hparams: HParams,
) -> keras.KerasTensor:
    """The deep part's score before the sigmoid: (batch, 1)."""
    columns = [*inputs_lib.numeric(specs, inputs), *inputs_lib.embedded(specs, inputs)]
    hidden = inputs_lib.joined(columns)
    for units in hparams.hidden_units:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
        hidden = keras.layers.Dropout(hparams.dropout)(hidden)
    return keras.layers.Dense(1)(hidden)
