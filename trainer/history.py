"""The epochs of a training, left as JSON beside TensorBoard's files."""

from __future__ import annotations

import json
import os

import keras
from tfx.dsl.io import fileio

FILE = "history.json"


def write(history: keras.callbacks.History, folder: str) -> None:
    """Writes [{"epoch": 1, "loss": 0.4, ...}, ...] to the folder, here or in a bucket.

    Reports and Vertex Experiments draw the curves of it, and need no TensorFlow.
    """
    with fileio.open(os.path.join(folder, FILE), "w") as file:
        file.write(json.dumps(epochs(history)) + "\n")


def epochs(history: keras.callbacks.History) -> list[dict[str, float]]:
    """One entry for each epoch, from 1: every metric of the train and eval split."""
    return [
        {"epoch": epoch + 1}
        | {name: float(values[place]) for name, values in history.history.items()}
        for place, epoch in enumerate(history.epoch)
    ]
