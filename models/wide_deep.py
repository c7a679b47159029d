"""Wide and deep: a linear part that remembers and a deep part that generalises."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from models import dnn, linear
from models import inputs as inputs_lib
from models.hparams import HParams


def build(specs: Sequence[inputs_lib.InputSpec], hparams: HParams) -> keras.Model:
    """A Keras model from named inputs (batch, 1) to a probability (batch, 1).

    Source: Cheng et al., "Wide & Deep Learning for Recommender Systems", 2016.
    """
    inputs = inputs_lib.keras_inputs(specs)
    score = keras.layers.Add()(
        [linear.logit(specs, inputs), dnn.logit(specs, inputs, hparams)]
    )
    return keras.Model(
        inputs,
        keras.layers.Activation("sigmoid", name="probability")(score),
        name="wide_deep",
    )
