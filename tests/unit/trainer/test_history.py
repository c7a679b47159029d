"""The epochs as others read them."""

from __future__ import annotations

import json

import keras
import numpy as np

from trainer import history
from trainer.config import TrainingConfig


def test_every_epoch_of_a_training_is_written_with_its_metrics(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    x = np.zeros((4, 1), "float32")
    fitted = model.fit(x, x, validation_data=(x, x), epochs=3, verbose=0)

    history.write(fitted, TrainingConfig(model="dnn"), str(tmp_path))

    epochs = json.loads((tmp_path / history.FILE).read_text("utf-8"))
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3]
    assert [epoch["val_loss"] for epoch in epochs] == fitted.history["val_loss"]
    assert set(epochs[0]) == {"epoch", "loss", "val_loss"}
    settings = json.loads((tmp_path / history.SETTINGS_FILE).read_text("utf-8"))
    assert TrainingConfig.model_validate(settings) == TrainingConfig(model="dnn")
