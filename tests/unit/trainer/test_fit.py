"""When training stops, and with which weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import registry
from models.hparams import HParams
from models.inputs import NumericInput
from trainer import fit
from trainer.config import TrainingConfig
from trainer.data import Examples

SPECS = [NumericInput("x_z")]


def examples(slope: int, count: int = 64) -> Examples:
    """Rows whose label is 1 where slope * x is above zero."""
    x = np.linspace(-1, 1, count, dtype="float32")[:, None]
    return Examples(
        {"x_z": tf.constant(x)}, tf.constant((slope * x > 0).astype("int64"))
    )


@pytest.fixture
def trained(tmp_path):
    """Trains a linear model; returns it and the history."""

    def trained(train, evaluation, **settings):
        keras.utils.set_random_seed(1)
        model = registry.build("linear", SPECS, HParams())
        # Starts sure of what `examples(1)` teaches.
        model.set_weights([np.array([[1.0]]), np.array([0.0])])
        config = TrainingConfig(model="linear", **{"batch_size": 16, **settings})
        history = fit.fit(model, train, evaluation, config, str(tmp_path))
        return model, history

    return trained


def test_training_stops_when_the_held_out_loss_falls_no_more(trained):
    """Train and eval disagree, so that every epoch makes the eval split worse."""
    _, history = trained(
        examples(-1), examples(1), max_epochs=20, patience=2, learning_rate=0.5
    )

    assert len(history.epoch) == 3


def test_training_goes_on_while_the_held_out_loss_falls(trained):
    """Though the ranking is perfect from the first epoch on."""
    _, history = trained(examples(1), examples(1), max_epochs=5, patience=1)

    assert len(history.epoch) == 5
    assert set(history.history["val_auc"]) == {1.0}


def test_training_goes_back_to_the_best_weights(trained):
    model, history = trained(
        examples(-1), examples(1), max_epochs=20, patience=3, learning_rate=0.5
    )

    losses = history.history["val_loss"]
    after = model.evaluate(examples(1).batches(64), return_dict=True, verbose=0)["loss"]
    assert losses[-1] > min(losses)
    assert after == pytest.approx(min(losses), abs=1e-6)


def test_training_never_goes_beyond_its_epochs(trained):
    _, history = trained(examples(1), examples(1), max_epochs=2, patience=9)

    assert len(history.epoch) == 2


@pytest.mark.parametrize("steps", [1, 7, 23])
def test_train_steps_are_taken_exactly_without_early_stopping(trained, steps):
    """More than an epoch's worth (4 steps) too."""
    model, _ = trained(examples(1), examples(1), train_steps=steps, patience=1)

    assert int(model.optimizer.iterations.numpy()) == steps


def test_training_writes_what_tensorboard_shows(trained, tmp_path):
    trained(examples(1), examples(1), max_epochs=1)

    assert list(tmp_path.rglob("events.out.tfevents.*"))


def test_a_loss_that_is_not_a_number_ends_the_training_and_names_the_columns(trained):
    rows = examples(1)
    huge = Examples({"x_z": rows.columns["x_z"] * 3e38 * 10}, rows.labels)

    with pytest.raises(ValueError, match="loss became not a number") as caught:
        trained(huge, rows, max_epochs=5, patience=2)

    assert "x_z up to inf" in str(caught.value)
