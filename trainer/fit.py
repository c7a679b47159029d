"""Compile, callbacks, fit."""

from __future__ import annotations

import keras
import tensorflow as tf

from trainer.config import TrainingConfig
from trainer.data import Examples

# On examples not trained on; AUC would stop as soon as the ranking is right, long
# before the probabilities are.
WATCHED = "val_loss"


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
    """
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc"), "accuracy"],
    )
    batches = train.batches(config.batch_size, config.seed)
    return model.fit(
        validation_data=evaluation.batches(4096),
        callbacks=_callbacks(config, log_dir),
        verbose=2,
        **_length(batches, config),
    )


def _length(batches: tf.data.Dataset, config: TrainingConfig) -> dict[str, object]:
    if config.train_steps is None:
        return {"x": batches, "epochs": config.max_epochs}
    return {"x": batches.repeat(), "steps_per_epoch": config.train_steps}


def _callbacks(config: TrainingConfig, log_dir: str) -> list[keras.callbacks.Callback]:
    callbacks = [keras.callbacks.TensorBoard(log_dir=log_dir)]
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
