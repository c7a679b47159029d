"""What a training was, left as JSON beside TensorBoard's files."""

from __future__ import annotations

import json
import os

import keras
from tfx.dsl.io import fileio

from trainer.config import TrainingConfig

FILE, SETTINGS_FILE = "history.json", "settings.json"


def write(
    history: keras.callbacks.History, training: TrainingConfig, folder: str
) -> None:
    """Writes two files to the folder, here or in a bucket.

    `history.json` is [{"epoch": 1, "loss": 0.4, ...}, ...], `settings.json` what it was
    trained with. Reports and Vertex Experiments read them, and need no TensorFlow.
    """
    settings = training.model_dump(mode="json")
    for name, value in ((FILE, epochs(history)), (SETTINGS_FILE, settings)):
        with fileio.open(os.path.join(folder, name), "w") as file:
            file.write(json.dumps(value) + "\n")


def epochs(history: keras.callbacks.History) -> list[dict[str, float]]:
    """One entry for each epoch, from 1: every metric of the train and eval split."""
    return [
        {"epoch": epoch + 1}
        | {name: float(values[place]) for name, values in history.history.items()}
        for place, epoch in enumerate(history.epoch)
    ]
