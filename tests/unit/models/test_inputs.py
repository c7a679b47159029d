"""Keras inputs and encodings that every architecture shares."""

from __future__ import annotations

import keras
import numpy as np
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


def _answered(specs, ids: dict[str, list[int]]) -> np.ndarray:
    """The vectors of the ids, with tables whose every row is another number."""
    inputs = inputs_lib.keras_inputs(specs)
    model = keras.Model(inputs, inputs_lib.embedded(specs, inputs, width=1)[0])
    [table] = model.get_weights()
    model.set_weights([np.arange(len(table), dtype="float32")[:, None]])
    columns = {name: np.array(column)[:, None] for name, column in ids.items()}
    return np.asarray(model(columns))


def test_categories_of_one_width_share_a_table_and_no_row_of_it():
    specs = [CategoryInput("a", 3), CategoryInput("b", 2), CategoryInput("c", 4)]

    vectors = _answered(specs, {"a": [0, 2], "b": [0, 1], "c": [0, 3]})

    assert vectors.tolist() == [[0, 3, 5], [2, 4, 8]]


def test_categories_of_different_widths_have_a_table_for_each_width():
    specs = [CategoryInput("a", 2), CategoryInput("b", 100), CategoryInput("c", 2)]
    inputs = inputs_lib.keras_inputs(specs)

    vectors = inputs_lib.embedded(specs, inputs)
    model = keras.Model(inputs, vectors)

    assert [vector.shape for vector in vectors] == [(None, 6), (None, 12)]
    assert [weights.shape for weights in model.get_weights()] == [(4, 3), (100, 12)]
