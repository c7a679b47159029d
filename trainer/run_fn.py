"""What TFX's Trainer calls: data, model, fit, export."""

from __future__ import annotations

import keras
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.io import fileio

from models import registry
from trainer import config, data, export, fit, history


def run_fn(fn_args: FnArgs) -> None:
    """Trains one model and writes it to `fn_args.serving_model_dir`.

    Raises:
      ValueError: a split is empty or its label has one class.
    """
    training, features = config.from_custom_config(fn_args.custom_config)
    keras.utils.set_random_seed(training.seed)

    transformed = tft.TFTransformOutput(fn_args.transform_graph_path)
    train = data.load(_files(fn_args.train_files), transformed, features.label.name)
    held_out = data.load(_files(fn_args.eval_files), transformed, features.label.name)

    specs = data.input_specs(features, transformed)
    model = registry.build(training.model, specs, training.hparams)

    fitted = fit.fit(model, train, held_out, training, fn_args.model_run_dir)
    history.write(fitted, training, fn_args.model_run_dir)

    export.Servable(model, transformed, features).save(fn_args.serving_model_dir)


def _files(patterns: list[str]) -> list[str]:
    """TFX hands over globs; a sorted list keeps a seeded run repeatable."""
    return sorted(file for pattern in patterns for file in fileio.glob(pattern))
