"""Keras inputs and encodings that every architecture shares."""

from __future__ import annotations

import keras
import pytest

from models import inputs as inputs_lib
from models.inputs import CategoryInput, NumericInput


def test_each_input_is_one_column_of_its_type():
    inputs = inputs_lib.keras_inputs([NumericInput("a"), CategoryInput("b", 3)])

    assert {n: (t.shape, t.dtype) for n, t in inputs.items()} == {
        "a": ((None, 1), "float32"),
        "b": ((None, 1), "int64"),
    }


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [(2, None, 3), (100, None, 12), (100_000, None, 16), (100, 1, 1)],
)
def test_a_vector_grows_slowly_with_the_number_of_ids(size, width, expected):
    specs = [NumericInput("a"), CategoryInput("b", size)]
    inputs = inputs_lib.keras_inputs(specs)

    (vector,) = inputs_lib.embedded(specs, inputs, width)

    assert vector.shape == (None, expected)


def test_a_single_column_is_joined_without_a_layer():
    one = keras.Input((1,))

    assert inputs_lib.joined([one]) is one
    assert inputs_lib.joined([one, keras.Input((2,))]).shape == (None, 3)
