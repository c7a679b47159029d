"""Evaluator: TFMA on the test split, then a verdict that explains itself."""

from __future__ import annotations

import copy
import json
import math
import os
from typing import Any

import tensorflow_model_analysis as tfma
from absl import logging
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as tfx_evaluator
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils, json_utils, path_utils, proto_utils

from pipeline import recorded
from pipeline.config.evaluation import METRICS, EvaluationConfig
from pipeline.data.in_process import in_process
from pipeline.evaluation import explanation, judge, rivals, scoring
from pipeline.evaluation.metrics import BASELINE, CANDIDATE
from pipeline.runs.verdict import OVERALL, Rival, Verdict

# Of the blessing; Vertex's resolvers tell by it whose model a blessed one is.
PIPELINE_PROPERTY = "pipeline_name"
VERDICT_FILE = "verdict.json"
METRICS_FILE = "metrics.json"

Artifacts = dict[str, list[types.Artifact]]


class EvaluatorSpec(ComponentSpec):
    """Inputs, outputs and parameters of Evaluator."""

    PARAMETERS = {
        "eval_config": ExecutionParameter(type=str),
        "example_splits": ExecutionParameter(type=str),
        "policy": ExecutionParameter(type=str),
        "pipeline_name": ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(
            type=standard_artifacts.Model, optional=True
        ),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Executor(tfx_evaluator.Executor):
    """TFX's evaluation, with our verdict and with baselines that may not load."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: Artifacts,
        output_dict: Artifacts,
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `evaluation` (TFMA's files and verdict.json) and `blessing`."""
        policy = EvaluationConfig.model_validate_json(exec_properties["policy"])
        self._unlabelled = 0
        self._rivals: list[Rival] = []
        self._champion: Rival | None = None
        evaluated, error = self._evaluate(input_dict, output_dict, exec_properties)

        uri = artifact_utils.get_single_uri(output_dict["evaluation"])
        candidate, baseline = _metrics(uri, with_baseline="baseline_model" in evaluated)
        decision = judge.judge(
            policy,
            candidate,
            baseline,
            error,
            self._unlabelled,
            self._rivals,
            self._champion,
        )

        _write_json(uri, VERDICT_FILE, decision.to_dict())
        _write_json(
            uri,
            METRICS_FILE,
            {"candidate": _plain(candidate), "baseline": baseline and _plain(baseline)},
        )
        _bless(output_dict, evaluated, decision, exec_properties["pipeline_name"])
        _record(output_dict, candidate, decision)

    def _evaluate(
        self,
        input_dict: Artifacts,
        output_dict: Artifacts,
        exec_properties: dict[str, Any],
    ) -> tuple[Artifacts, str | None]:
        """Runs TFMA, without the baseline when that cannot be evaluated (tfx#4390).

        Returns:
          The inputs that were evaluated, and why the baseline is not among them.
        """
        inputs = {key: artifacts for key, artifacts in input_dict.items() if artifacts}
        alone = {k: v for k, v in inputs.items() if k != "baseline_model"}
        if alone == inputs:
            self._measure(alone, output_dict, exec_properties)
            return alone, None
        try:
            self._measure(inputs, output_dict, exec_properties)
            return inputs, None
        except Exception as error:
            logging.exception("The baseline or the candidate cannot be evaluated.")
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
        # If the candidate is at fault, this raises and the node fails.
        uri = artifact_utils.get_single_uri(output_dict["evaluation"])
        fileio.rmtree(uri)
        fileio.makedirs(uri)
        self._measure(alone, output_dict, exec_properties)
        return alone, reason[:500]

    def _measure(
        self,
        inputs: Artifacts,
        output_dict: Artifacts,
        exec_properties: dict[str, Any],
    ) -> None:
        """TFMA's result files: by TFMA's Beam pipeline on workers, by arrays here.

        Example by example, 60,000 rows take Beam's in-memory runner 40 s.
        """
        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties["eval_config"], config)
        [split] = json_utils.loads(exec_properties["example_splits"])
        if not in_process(self._beam_pipeline_args):
            labelled = self._labelled(inputs, config, split)
            super().Do(labelled, output_dict, exec_properties)
            return
        config = tfma.utils.update_eval_config_with_defaults(
            config, has_baseline="baseline_model" in inputs, rubber_stamp=True
        )
        models = {
            spec.name: path_utils.serving_model_path(
                artifact_utils.get_single_uri(
                    inputs["baseline_model" if spec.is_baseline else "model"]
                )
            )
            for spec in config.model_specs
        }
        rows = artifact_utils.get_split_uri(inputs["examples"], split)
        target = artifact_utils.get_single_uri(output_dict["evaluation"])
        asked = scoring.ask(models, rows, config)
        self._unlabelled = asked.unlabelled
        self._champion = rivals.champion(asked)
        self._rivals = rivals.of(
            asked,
            lambda name: artifact_utils.get_split_uri(inputs["examples"], name),
        )
        scoring.write(target, scoring.score(asked), models, rows, config)
        _explain(target, asked)

    def _labelled(
        self, inputs: Artifacts, config: config_pb2.EvalConfig, split: str
    ) -> Artifacts:
        """The inputs with the examples that have a label: TFMA takes every row."""
        [spec] = [each for each in config.model_specs if not each.is_baseline]
        model = artifact_utils.get_single_uri(inputs["model"])
        folder = os.path.join(self._get_tmp_dir(), "labelled")
        self._unlabelled = scoring.write_labelled(
            path_utils.serving_model_path(model),
            spec,
            artifact_utils.get_split_uri(inputs["examples"], split),
            os.path.join(folder, f"Split-{split}"),
        )
        if not self._unlabelled:
            return inputs
        examples = copy.deepcopy(artifact_utils.get_single_instance(inputs["examples"]))
        examples.uri = folder
        return {**inputs, "examples": [examples]}


class Evaluator(base_beam_component.BaseBeamComponent):
    """Candidate and baseline on the same examples, and whether to bless.

    Component `outputs` contains:
      evaluation: TFMA's metrics, plus verdict.json and metrics.json.
      blessing: as the stock Evaluator's (`blessed` 0 or 1), plus `verdict`.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        schema: types.BaseChannel,
        eval_config: config_pb2.EvalConfig,
        policy: EvaluationConfig,
        pipeline_name: str,
        split: str = "test",
    ) -> None:
        """Makes the node; `policy` holds the bounds, `eval_config` the metrics."""
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                schema=schema,
                eval_config=proto_utils.proto_to_json(eval_config),
                example_splits=json_utils.dumps([split]),
                policy=policy.model_dump_json(),
                pipeline_name=pipeline_name,
                evaluation=channel_utils.as_channel(
                    [standard_artifacts.ModelEvaluation()]
                ),
                blessing=channel_utils.as_channel([standard_artifacts.ModelBlessing()]),
            )
        )


def _metrics(
    uri: str, with_baseline: bool
) -> tuple[judge.Metrics, judge.Metrics | None]:
    if not with_baseline:
        return _metrics_of(tfma.load_eval_result(uri)), None
    candidate = tfma.load_eval_result(uri, model_name=CANDIDATE)
    baseline = tfma.load_eval_result(uri, model_name=BASELINE)
    return _metrics_of(candidate), _metrics_of(baseline)


def _metrics_of(result: Any) -> judge.Metrics:
    return {
        _slice_name(key): _defined(
            {
                name: float(value["doubleValue"])
                for name, value in outputs[""][""].items()
                if name in METRICS and "doubleValue" in value  # TFMA adds *_diff
            }
        )
        for key, outputs in result.slicing_metrics
    }


def _defined(metrics: dict[str, float]) -> dict[str, float]:
    """What is not defined on these rows is not a number, and null in the file."""
    return metrics | dict.fromkeys(judge.undefined(metrics), math.nan)


def _explain(uri: str, asked: scoring.Asked) -> None:
    """For the report; a model is judged with or without it."""
    try:
        _write_json(uri, explanation.FILE, explanation.of(asked))
    except Exception:
        logging.exception("The evaluation stays without intervals and curves.")


def _slice_name(key: tuple[tuple[str, Any], ...]) -> str:
    return ",".join(f"{column}={value}" for column, value in key) or OVERALL


def _plain(metrics: judge.Metrics) -> dict[str, dict[str, float | None]]:
    """JSON has no word for what is not a number."""
    return {
        name: {k: v if math.isfinite(v) else None for k, v in values.items()}
        for name, values in metrics.items()
    }


def _write_json(uri: str, name: str, value: Any) -> None:
    text = json.dumps(value, indent=2, sort_keys=True)
    io_utils.write_string_file(os.path.join(uri, name), text)


def _record(
    output_dict: Artifacts, candidate: judge.Metrics, decision: Verdict
) -> None:
    """Metrics, bounds and verdict in MLMD itself: the files may be gone by then."""
    evaluated = artifact_utils.get_single_instance(output_dict["evaluation"])
    evaluated.set_string_custom_property(
        recorded.Evaluation.VERDICT, json.dumps(decision.to_dict())
    )
    evaluated.set_string_custom_property(
        recorded.Evaluation.METRICS, json.dumps(_plain(candidate)[OVERALL])
    )


def _bless(
    output_dict: Artifacts,
    evaluated: Artifacts,
    decision: Verdict,
    pipeline_name: str,
) -> None:
    """The stock Evaluator's files and properties, which TFX's resolvers read."""
    blessing = artifact_utils.get_single_instance(output_dict["blessing"])
    name = (
        constants.BLESSED_FILE_NAME
        if decision.blessed
        else constants.NOT_BLESSED_FILE_NAME
    )
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(decision.blessed)
    )
    blessing.set_string_custom_property(recorded.Blessing.WORD, decision.word)
    blessing.set_string_custom_property(PIPELINE_PROPERTY, pipeline_name)
    model = artifact_utils.get_single_instance(evaluated["model"])
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id
    )
    for baseline in evaluated.get("baseline_model", []):
        blessing.set_string_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri
        )
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id
        )
