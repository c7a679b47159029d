"""The training settings on their way through TFX's custom_config."""

from __future__ import annotations

import json

import pydantic
import pytest

from trainer import config
from trainer.config import TrainingConfig
from transform.features import Features

FEATURES = Features.model_validate(
    {
        "numeric": ["fare"],
        "vocabulary": {"company": {"size": 5, "oov_buckets": 2}},
        "label": {"name": "t", "rule": "equals", "column": "tip", "value": "1"},
    }
)


def test_the_settings_come_back_as_they_went_even_through_json():
    training = TrainingConfig(
        model="dnn", hparams={"hidden_units": (8, 4), "dropout": 0.5}, train_steps=3
    )

    sent = json.loads(json.dumps(config.custom_config(training, FEATURES)))

    assert config.from_custom_config(sent) == (training, FEATURES)


@pytest.mark.parametrize(
    "setting",
    [
        {"batch_size": 0},
        {"learning_rate": 0},
        {"max_epochs": 0},
        {"patience": 0},
        {"train_steps": 0},
        {"hparams": {"dropout": 1}},
        {"hparams": {"layers": 3}},
        {"model": "forest"},
    ],
)
def test_a_setting_nothing_can_be_trained_with_is_refused(setting):
    with pytest.raises(pydantic.ValidationError) as caught:
        TrainingConfig.model_validate(setting)

    assert caught.value.error_count() == 1
