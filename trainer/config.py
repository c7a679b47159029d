"""The training settings; typed here, sent through TFX's custom_config as a dict."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.hparams import HParams
from transform.features import Features

# The keys of models.registry.ARCHITECTURES, known without importing Keras.
Architecture = Literal["linear", "dnn", "wide_deep"]


class TrainingConfig(BaseModel):
    """How the model is built and fitted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Architecture = "wide_deep"
    """Which architecture of models/ to train."""

    hparams: HParams = HParams()
    """What that architecture lets you tune."""

    batch_size: int = Field(default=256, ge=1)
    """Examples a step."""

    learning_rate: float = Field(default=0.001, gt=0)
    """Step size of Adam at the start."""

    max_epochs: int = Field(default=20, ge=1)
    """Upper bound of passes over the train split."""

    patience: int = Field(default=3, ge=1)
    """Epochs without a lower loss on the eval split before training stops."""

    train_steps: int | None = Field(default=None, ge=1)
    """Train for exactly this many steps instead, without early stopping."""

    seed: int = 20130101
    """Seeds initial weights, dropout and shuffling."""


def custom_config(training: TrainingConfig, features: Features) -> dict[str, object]:
    """What `run_fn` gets: only plain values, since TFX writes it down as JSON."""
    return {
        "training": training.model_dump(mode="json"),
        "features": features.model_dump(mode="json"),
    }


def from_custom_config(value: dict[str, object]) -> tuple[TrainingConfig, Features]:
    """The inverse of `custom_config`."""
    return (
        TrainingConfig.model_validate(value["training"]),
        Features.model_validate(value["features"]),
    )
