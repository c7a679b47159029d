"""The architectures: each builds on any inputs and answers probabilities."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from models import registry
from models.hparams import HParams
from models.inputs import CategoryInput, NumericInput
from trainer.config import Architecture

MIXED = [
    NumericInput("miles_z"),
    NumericInput("fare_z"),
    CategoryInput("company_id", 50),
    CategoryInput("hour_int", 25),
]
SMALL = HParams(hidden_units=(4, 2))

each_architecture = pytest.mark.parametrize("name", sorted(registry.ARCHITECTURES))


def rows(specs, count: int = 5) -> dict[str, np.ndarray]:
    """The largest ids and large numbers, the first row zeros."""
    columns = {}
    for spec in specs:
        if isinstance(spec, NumericInput):
            columns[spec.name] = np.linspace(0, 100, count, dtype="float32")[:, None]
        else:
            last = spec.size - 1
            columns[spec.name] = np.linspace(0, last, count).astype("int64")[:, None]
    return columns


@each_architecture
def test_an_architecture_answers_a_probability_for_each_row(name):
    model = registry.build(name, MIXED, SMALL)

    answers = model(rows(MIXED), training=False).numpy()

    assert answers.shape == (5, 1)
    assert ((answers >= 0) & (answers <= 1)).all()


@each_architecture
@pytest.mark.parametrize("spec", [NumericInput("miles_z"), CategoryInput("hour", 3)])
def test_an_architecture_builds_on_a_single_input(name, spec):
    model = registry.build(name, [spec], SMALL)

    assert model(rows([spec]), training=False).shape == (5, 1)


@each_architecture
def test_an_architecture_takes_its_inputs_by_name(name):
    model = registry.build(name, MIXED, SMALL)

    assert set(model.input) == {spec.name for spec in MIXED}
    assert model.name == name


@each_architecture
def test_every_input_moves_the_answer(name):
    """A column that an architecture forgot would be paid for and not used."""
    model = registry.build(name, MIXED, HParams(hidden_units=(16,)))
    # Weights that are all different from zero, so that no unit is dead.
    model.set_weights([np.full_like(w, 0.1) + w * 0 for w in model.get_weights()])
    for layer in model.layers:
        if layer.__class__.__name__ == "Embedding":
            (table,) = layer.get_weights()
            ids = np.arange(len(table), dtype="float32")[:, None]
            layer.set_weights([np.zeros_like(table) + ids / 100])
    base = {name: values * 0 for name, values in rows(MIXED).items()}
    before = model(base, training=False).numpy()

    for spec in MIXED:
        moved = model({**base, spec.name: base[spec.name] + 2}, training=False)

        assert (moved.numpy() != before).all(), spec


def test_only_the_deep_architectures_read_the_hidden_units():
    def weights(name: str, units: tuple[int, ...]) -> int:
        return registry.build(name, MIXED, HParams(hidden_units=units)).count_params()

    assert weights("linear", (4,)) == weights("linear", (64,))
    assert weights("dnn", (4,)) < weights("dnn", (64,))
    assert weights("wide_deep", (4,)) < weights("wide_deep", (64,))


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="wide_deap") as caught:
        registry.build("wide_deap", MIXED, SMALL)

    assert str(caught.value) == (
        "'wide_deap' is not a model here. Known: dnn, linear, wide_deep. "
        "Add one in models/registry.py."
    )


def test_the_configuration_allows_exactly_the_architectures_there_are():
    assert set(get_args(Architecture)) == set(registry.ARCHITECTURES)
