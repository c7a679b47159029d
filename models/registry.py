"""The architectures a configuration may choose (not the Vertex Model Registry)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from models import dnn, linear, wide_deep
from models.hparams import HParams
from models.inputs import InputSpec

Build = Callable[[Sequence[InputSpec], HParams], keras.Model]

ARCHITECTURES: dict[str, Build] = {
    "linear": linear.build,
    "dnn": dnn.build,
    "wide_deep": wide_deep.build,
}


def build(name: str, specs: Sequence[InputSpec], hparams: HParams) -> keras.Model:
    """Builds the architecture of that name.

    Raises:
      ValueError: the name is not in `ARCHITECTURES`.
    """
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ValueError(
            f"'{name}' is not a model here. Known: {known}. "
            "Add one in models/registry.py."
        )
    return ARCHITECTURES[name](specs, hparams)
