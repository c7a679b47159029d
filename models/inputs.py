"""Keras inputs and encodings that every architecture shares."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class NumericInput:
    """A float of shape (batch, 1), mean 0 and variance 1."""

    name: str


@dataclasses.dataclass(frozen=True)
class CategoryInput:
    """An integer id of shape (batch, 1), 0 <= id < size."""

    name: str
    size: int


InputSpec = NumericInput | CategoryInput
Tensors = dict[str, keras.KerasTensor]


def keras_inputs(specs: Sequence[InputSpec]) -> Tensors:
    """One Keras input of shape (batch, 1) for each spec, by name."""
    return {
        spec.name: keras.Input(
            shape=(1,),
            name=spec.name,
            dtype="float32" if isinstance(spec, NumericInput) else "int64",
        )
        for spec in specs
    }


def numeric(specs: Sequence[InputSpec], inputs: Tensors) -> list[keras.KerasTensor]:
    """The numeric inputs, each (batch, 1)."""
    return [inputs[spec.name] for spec in specs if isinstance(spec, NumericInput)]


def embedded(
    specs: Sequence[InputSpec], inputs: Tensors, width: int | None = None
) -> list[keras.KerasTensor]:
    """Each category as a learned vector.

    Categories of one width share a table, each with a range of its own in it: the same
    sums as with a table each, in a fraction of the variables, and so of the time that
    TensorFlow takes to build the training step and to save the model.

    Args:
      specs: all inputs; the numeric ones are passed over.
      inputs: what `keras_inputs` made.
      width: length of every vector; None takes a length that grows slowly with
        the number of ids.

    Returns:
      For each width a tensor of shape (batch, categories of that width * width).
    """
    by_width: dict[int, list[CategoryInput]] = {}
    for spec in specs:
        if isinstance(spec, CategoryInput):
            length = width or min(16, 2 + round(spec.size**0.5))
            by_width.setdefault(length, []).append(spec)
    return [
        _vectors(group, [inputs[spec.name] for spec in group], length)
        for length, group in sorted(by_width.items())
    ]


def _vectors(
    group: Sequence[CategoryInput], ids: list[keras.KerasTensor], width: int
) -> keras.KerasTensor:
    ends = list(itertools.accumulate(spec.size for spec in group))
    starts = np.array([[0, *ends[:-1]]])
    table = keras.layers.Embedding(ends[-1], width)
    return keras.layers.Flatten()(table(joined(ids) + starts))


def joined(tensors: list[keras.KerasTensor]) -> keras.KerasTensor:
    """One tensor of all columns; Keras cannot concatenate a single one."""
    return tensors[0] if len(tensors) == 1 else keras.layers.Concatenate()(tensors)
