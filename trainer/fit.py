"""Compile, callbacks, fit."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from trainer.config import TrainingConfig
from trainer.data import Examples

# On examples not trained on; AUC would stop as soon as the ranking is right, long
# before the probabilities are.
WATCHED = "val_loss"

# Python between two steps takes as long as a small step.
_STEPS_A_CALL = 32


def fit(
    model: keras.Model,
    train: Examples,
    evaluation: Examples,
    config: TrainingConfig,
    log_dir: str,
) -> keras.callbacks.History:
    """Fits the model in place.

    Stops when the loss on `evaluation` has not fallen for `config.patience` epochs and
    goes back to the best weights; with `config.train_steps`, trains for exactly
    that many steps instead.

    Raises:
      ValueError: the loss is not a number any more.
    """
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc"), "accuracy"],
        steps_per_execution=_STEPS_A_CALL,
    )
    batches = train.batches(config.batch_size, config.seed)
    fitted = model.fit(
        validation_data=evaluation.batches(4096),
        callbacks=_callbacks(config, log_dir),
        verbose=2,
        **_length(batches, config),
    )
    _require_numbers(fitted, train)
    return fitted


def _require_numbers(fitted: keras.callbacks.History, train: Examples) -> None:
    """Refuses a fit whose loss is not a number: nothing can be asked of such a model.

    Raises:
      ValueError: names the columns that hold the largest values.
    """
    if all(math.isfinite(loss) for loss in fitted.history["loss"]):
        return
    largest = {
        name: float(tf.reduce_max(tf.abs(column)))
        for name, column in train.columns.items()
        if column.dtype.is_floating
    }
    first = sorted(largest, key=lambda name: -largest[name])[:3]
    seen = ", ".join(f"{name} up to {largest[name]:g}" for name in first) or "none"
    raise ValueError(
        "the loss became not a number, so the training was stopped. Lower "
        "training.learning_rate, or look at the columns with the largest values after "
        f"Transform: {seen}"
    )


def _length(batches: tf.data.Dataset, config: TrainingConfig) -> dict[str, object]:
    if config.train_steps is None:
        return {"x": batches, "epochs": config.max_epochs}
    # By the data and not by steps_per_epoch, which Keras rounds up to whole calls.
    return {"x": batches.repeat().take(config.train_steps)}


def _callbacks(config: TrainingConfig, log_dir: str) -> list[keras.callbacks.Callback]:
    callbacks = [
        keras.callbacks.TensorBoard(log_dir=log_dir),
        keras.callbacks.TerminateOnNaN(),
    ]
    if config.train_steps is None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor=WATCHED,
                mode="min",
                patience=config.patience,
                restore_best_weights=True,
            )
        )
    return callbacks
