"""The graph, top to bottom; both runners build it from here."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Literal

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.trainer.component import Trainer
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2, transform_pb2
from tfx.types import Channel, standard_artifacts

from pipeline import beam_arguments, recorded
from pipeline.code import packages, version
from pipeline.components import ingestion
from pipeline.components.baseline import Champion
from pipeline.components.evaluator import Evaluator
from pipeline.components.notifier import Notifier
from pipeline.components.pusher import Pusher, PushPolicy
from pipeline.components.schema_validator import SchemaValidator
from pipeline.components.statistics import StatisticsGen
from pipeline.components.transform import Transform
from pipeline.config.config import Config
from pipeline.config.data import DataConfig
from pipeline.data import preflight
from pipeline.data.columns import Kinds, kinds_of
from pipeline.data.times import Clock
from pipeline.evaluation import eval_config
from pipeline.gcp import attribution
from pipeline.nodes import BASELINE_RESOLVER
from pipeline.platforms import settings as settings_of
from pipeline.platforms.registry import RegistrySettings
from trainer.config import custom_config

Platform = Literal["local", "vertex"]


def create_pipeline(config: Config, platform: Platform = "local") -> Pipeline:
    """Builds the graph: ingest, validate, transform, train, evaluate, push, notify.

    Args:
      config: everything the run depends on.
      platform: Vertex knows only TFX's own resolver strategies.
    """
    schema_text = Path(config.data.schema_file).read_text(encoding="utf-8")
    examples = _examples(config.data, schema_text)

    statistics = StatisticsGen(examples=examples.outputs["examples"])
    validator = SchemaValidator(
        statistics=statistics.outputs["statistics"],
        schema_text=schema_text,
        allow=[entry.model_dump() for entry in config.validation.allow],
        baseline=config.validation.baseline_statistics,
        required=config.features.required,
        label={
            "columns": config.features.label.columns,
            "missing": config.features.label.missing,
            "max_missing_share": config.features.label.max_missing_share,
        },
    )

    transform = Transform(
        examples=examples.outputs["examples"],
        schema=validator.outputs["schema"],
        preprocessing_fn="transform.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"]),
        # Trainer applies the graph itself, as serving does; Beam would write record by
        # record what is read once.
        materialize=False,
        disable_statistics=True,
        disable_analyzer_cache=True,
        custom_config={"features": config.features.model_dump(mode="json")},
    )
    trainer = Trainer(
        run_fn="trainer.run_fn.run_fn",
        examples=examples.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config=custom_config(config.training, config.features),
    )

    baseline = _baseline(trainer, config, platform)
    evaluator = Evaluator(
        examples=examples.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        schema=validator.outputs["schema"],
        eval_config=eval_config.eval_config(config),
        policy=config.evaluation,
        pipeline_name=config.pipeline_name,
    )

    pusher = Pusher(
        model=trainer.outputs["model"],
        blessing=evaluator.outputs["blessing"],
        examples=examples.outputs["examples"],
        evaluation=evaluator.outputs["evaluation"],
        destination=config.serving_path,
        policy=PushPolicy.from_dict(config.push.model_dump()),
        registry=_registry(config, schema_text, platform),
        withheld="a model of a sample is never pushed" if config.data.sample else "",
    )
    notifier = Notifier(
        examples=examples.outputs["examples"],
        anomalies=validator.outputs["anomalies"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        pipeline_name=config.pipeline_name,
        provider=platform,
        runs_folder=config.runs_path,
        notifications=config.notifications,
        code=code_of(config) if platform == "vertex" else "",
        record=record_of(config) if platform == "vertex" else "",
        experiment=settings_of.experiment(config) if platform == "vertex" else "",
        model_run=trainer.outputs["model_run"],
    )

    return Pipeline(
        pipeline_name=config.pipeline_name,
        pipeline_root=config.artifacts_path,
        components=[
            examples,
            statistics,
            validator,
            transform,
            trainer,
            baseline,
            evaluator,
            pusher,
            notifier,
        ],
        enable_cache=True,
        beam_pipeline_args=beam_arguments.arguments(config),
    )


def code_of(config: Config) -> str:
    """Which code runs on Vertex: the image, by digest."""
    return f"image {config.vertex.image}" if config.vertex else ""


def record_of(config: Config) -> str:
    """JSON of what a run on Vertex records of itself: its code, image and settings.

    Not who compiled it, nor where: the same configuration gives the same job. Whoever
    starts it says so then (`vertex/job/origin.py`).
    """
    image = config.vertex.image if config.vertex else ""
    facts = version.surroundings("", image)
    for personal in (*version.origin(""), recorded.RunKey.ROOT):
        del facts[personal]
    settings = packages.portable(config)
    facts[recorded.RunKey.CONFIG] = json.dumps(settings.model_dump(mode="json"))
    facts[recorded.RunKey.CONFIG_DIGEST] = settings.digest
    return json.dumps(facts)


def _registry(config: Config, schema_text: str, platform: Platform) -> RegistrySettings:
    """Where a pushed model is registered, how explained, and where deployed."""
    found = settings_of.registry(config, platform)
    if platform != "vertex":
        return dataclasses.replace(found, runs_folder=config.runs_path)
    explained = config.vertex is not None and config.vertex.model is not None
    kinds = _kinds(schema_text)
    return dataclasses.replace(
        found,
        explanation=attribution.spec(config.features, kinds) if explained else None,
        endpoint=settings_of.endpoint(config),
        runs_folder=config.runs_path,
        code=code_of(config),
    )


def _examples(data: DataConfig, schema_text: str) -> BaseNode:
    if data.query is not None:
        return ingestion.query_example_gen(data.query, data.splits)
    return ingestion.example_gen(
        data.path,
        data.pattern,
        data.splits,
        _kinds(schema_text),
        split_by=data.split_by,
        max_reject_share=data.max_reject_share,
        span=data.span,
        clock=Clock(data.time_column, data.time_format),
        sample=data.sample,
        limits=preflight.limits_of(data),
    )


def _kinds(schema_text: str) -> Kinds:
    return kinds_of(text_format.Parse(schema_text, schema_pb2.Schema()))


def _baseline(trainer: Trainer, config: Config, platform: Platform) -> Resolver:
    if platform == "vertex":
        resolver = Resolver(
            strategy_class=LatestBlessedModelStrategy,
            model=Channel(type=standard_artifacts.Model),
            model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        )
    else:
        resolver = Resolver(
            strategy_class=Champion,
            config={
                "registry": json.dumps(
                    settings_of.registry(config, platform).to_dict(), sort_keys=True
                )
            },
            model=trainer.outputs["model"],
        )
    return resolver.with_id(BASELINE_RESOLVER)
