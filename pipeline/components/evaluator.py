"""Evaluator: TFMA on the test split, then a verdict that explains itself."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_model_analysis as tfma
from absl import logging
from tensorflow_metadata.proto.v0 import schema_pb2
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
from pipeline.config.evaluation import METRICS, EvaluationConfig, Slice
from pipeline.data.in_process import in_process
from pipeline.evaluation import explanation, judge, rivals, scoring, slicing
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


@dataclasses.dataclass(frozen=True)
class _Measured:
    """An evaluation whose files are written."""

    inputs: Artifacts
    """What was evaluated."""

    asked: scoring.Asked
    rivals: list[Rival]


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
        measured, error = self._evaluate(
            input_dict, output_dict, exec_properties, policy.slices
        )
        evaluated, asked = measured.inputs, measured.asked

        uri = artifact_utils.get_single_uri(output_dict["evaluation"])
        names = {slicing.raw_name(s.key): s.name for s in asked.slices.rows}
        candidate, baseline = _metrics(uri, names, "baseline_model" in evaluated)
        decision = judge.judge(
            policy,
            candidate,
            baseline,
            error,
            asked.unlabelled,
            measured.rivals,
            rivals.champion(asked),
            asked.slices.by_rule,
        )

        _write_json(uri, VERDICT_FILE, decision.to_dict())
        written = {
            "candidate": _plain(candidate),
            "baseline": baseline and _plain(baseline),
            "slices": asked.slices.by_rule,
        }
        _write_json(uri, METRICS_FILE, written)
        _bless(output_dict, evaluated, decision, exec_properties["pipeline_name"])
        _record(output_dict, candidate, decision)

    def _evaluate(
        self,
        input_dict: Artifacts,
        output_dict: Artifacts,
        exec_properties: dict[str, str],
        rules: Sequence[Slice],
    ) -> tuple[_Measured, str | None]:
        """Without the baseline when that cannot be evaluated (tfx#4390).

        Returns:
          What was measured, and why the baseline is not in it.
        """
        inputs = {key: artifacts for key, artifacts in input_dict.items() if artifacts}
        alone = {k: v for k, v in inputs.items() if k != "baseline_model"}
        if alone == inputs:
            return self._measure(alone, output_dict, exec_properties, rules), None
        try:
            return self._measure(inputs, output_dict, exec_properties, rules), None
        except Exception as error:
            logging.exception("The baseline or the candidate cannot be evaluated.")
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
        # If the candidate is at fault, this raises and the node fails.
        uri = artifact_utils.get_single_uri(output_dict["evaluation"])
        fileio.rmtree(uri)
        fileio.makedirs(uri)
        found = self._measure(alone, output_dict, exec_properties, rules)
        return found, reason[:500]

    def _measure(
        self,
        inputs: Artifacts,
        output_dict: Artifacts,
        exec_properties: dict[str, str],
        rules: Sequence[Slice],
    ) -> _Measured:
        """TFMA's result files: by TFMA's Beam pipeline on workers, by arrays here.

        Example by example, 60,000 rows take Beam's in-memory runner 40 s. What stands
        beside the metrics (rivals, intervals, curves) is made here either way: it takes
        all answers at once.
        """
        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties["eval_config"], config)
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
        [split] = json_utils.loads(exec_properties["example_splits"])
        rows = artifact_utils.get_split_uri(inputs["examples"], split)
        target = artifact_utils.get_single_uri(output_dict["evaluation"])
        asked = scoring.ask(models, rows, config, rules)
        if in_process(self._beam_pipeline_args):
            scoring.write(target, scoring.score(asked), models, rows, config)
        else:
            sent = self._for_workers(inputs, asked, split, rules)
            super().Do(sent, output_dict, exec_properties)
        _explain(target, asked)
        found = rivals.of(
            asked,
            lambda name: artifact_utils.get_split_uri(inputs["examples"], name),
        )
        return _Measured(inputs, asked, found)

    def _for_workers(
        self,
        inputs: Artifacts,
        asked: scoring.Asked,
        split: str,
        rules: Sequence[Slice],
    ) -> Artifacts:
        """The inputs with the rows that have a label, and with what ranges are named.

        TFMA takes every row, and slices by the columns that the schema has.
        """
        rows = slicing.with_stand_ins(asked.rows, rules)
        if rows is asked.rows and not asked.unlabelled:
            return inputs
        examples, schema = (
            copy.deepcopy(artifact_utils.get_single_instance(inputs[key]))
            for key in ("examples", "schema")
        )
        folder = os.path.join(self._get_tmp_dir(), "judged")
        file = io_utils.get_only_uri_in_dir(schema.uri)
        known = io_utils.SchemaReader().read(file)
        for name in sorted({key for rule in rules for key in rule.stand_ins}):
            known.feature.add(name=name, type=schema_pb2.BYTES)
        schema.uri = os.path.join(folder, "schema")
        io_utils.write_pbtxt_file(
            os.path.join(schema.uri, os.path.basename(file)), known
        )
        examples.uri = os.path.join(folder, "examples")
        scoring.write_rows(rows, os.path.join(examples.uri, f"Split-{split}"))
        return {**inputs, "examples": [examples], "schema": [schema]}


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
    uri: str, names: Mapping[str, str], with_baseline: bool
) -> tuple[judge.Metrics, judge.Metrics | None]:
    """Of the slices that have a name; on workers TFMA measured all values."""
    if not with_baseline:
        return _metrics_of(tfma.load_eval_result(uri), names), None
    candidate = tfma.load_eval_result(uri, model_name=CANDIDATE)
    baseline = tfma.load_eval_result(uri, model_name=BASELINE)
    return _metrics_of(candidate, names), _metrics_of(baseline, names)


def _metrics_of(result: Any, names: Mapping[str, str]) -> judge.Metrics:
    found = {
        names[slicing.raw_name(key)]: _defined(
            {
                name: float(value["doubleValue"])
                for name, value in outputs[""][""].items()
                if name in METRICS and "doubleValue" in value  # TFMA adds *_diff
            }
        )
        for key, outputs in result.slicing_metrics
        if slicing.raw_name(key) in names
    }
    if missing := sorted(set(names.values()) - set(found)):
        raise ValueError(f"TFMA measured no slice {', '.join(missing[:5])}")
    return found


def _defined(metrics: dict[str, float]) -> dict[str, float]:
    """What is not defined on these rows is not a number, and null in the file."""
    return metrics | dict.fromkeys(judge.undefined(metrics), math.nan)


def _explain(uri: str, asked: scoring.Asked) -> None:
    """For the report; a model is judged with or without it."""
    try:
        _write_json(uri, explanation.FILE, explanation.of(asked))
    except Exception:
        logging.exception("The evaluation stays without intervals and curves.")


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
