"""Notifier: the last node, which says how the run ended and records that it did."""

from __future__ import annotations

import json
import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from pipeline.notifications import channels, message

SHOWN_METRICS = ("auc", "accuracy", "precision", "recall", "calibration")


class NotifierSpec(ComponentSpec):
    """Inputs, outputs and parameters of Notifier."""

    PARAMETERS = {
        "pipeline_name": ExecutionParameter(type=str),
        "runs_folder": ExecutionParameter(type=str),
    }
    INPUTS = {
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "pushed_model": ChannelParameter(type=standard_artifacts.PushedModel),
    }
    OUTPUTS = {"notification": ChannelParameter(type=standard_artifacts.String)}


class Executor(base_executor.BaseExecutor):
    """Collects the facts, sends the message, keeps what was sent."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `notification`: the text that was sent."""
        run_id = self._context.pipeline_run_id if self._context else ""
        sent = message.text(
            _summary(input_dict, exec_properties["pipeline_name"], run_id)
        )
        channels.deliver(sent, os.path.join(exec_properties["runs_folder"], run_id))
        notification = artifact_utils.get_single_instance(output_dict["notification"])
        notification.value = sent
        notification.set_string_custom_property("channels", "log,file")
        io_utils.write_string_file(notification.uri, sent)


class Notifier(base_component.BaseComponent):
    """Tells people what became of the run.

    Component `outputs` contains:
      notification: String, the message; `channels` names where it went.
    """

    SPEC_CLASS = NotifierSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        anomalies: types.BaseChannel,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        pushed_model: types.BaseChannel,
        pipeline_name: str,
        runs_folder: str,
    ) -> None:
        """Makes the node; the message lies in RUNS_FOLDER/RUN_ID."""
        super().__init__(
            NotifierSpec(
                anomalies=anomalies,
                evaluation=evaluation,
                blessing=blessing,
                pushed_model=pushed_model,
                pipeline_name=pipeline_name,
                runs_folder=runs_folder,
                notification=channel_utils.as_channel([standard_artifacts.String()]),
            )
        )


def _summary(
    inputs: dict[str, list[types.Artifact]], pipeline_name: str, run_id: str
) -> message.RunSummary:
    evaluation = artifact_utils.get_single_uri(inputs["evaluation"])
    verdict = _read_json(evaluation, "verdict.json")
    overall = _read_json(evaluation, "metrics.json")["candidate"]["overall"]
    pushed = artifact_utils.get_single_instance(inputs["pushed_model"])
    return message.RunSummary(
        pipeline=pipeline_name,
        run_id=run_id,
        outcome="SUCCEEDED" if verdict["blessed"] else "NOT_BLESSED",
        reasons=tuple(verdict["reasons"]),
        metrics=tuple((name, overall[name]) for name in SHOWN_METRICS),
        pushed=pushed.get_string_custom_property("pushed_destination") or None,
    )


def _read_json(folder: str, name: str) -> Any:
    return json.loads(io_utils.read_string_file(os.path.join(folder, name)))
