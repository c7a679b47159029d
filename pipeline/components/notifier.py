"""Notifier: the last node, which tells people and records that they were told."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from pipeline import files, recorded
from pipeline.config.notifications import NotificationsConfig
from pipeline.gcp.experiments import log
from pipeline.nodes import EVALUATOR
from pipeline.notifications import notify
from pipeline.registry.versions import Override
from pipeline.runs import metrics, rows, start
from pipeline.runs import run_id as run_id_lib
from pipeline.runs.facts import RunFacts
from pipeline.runs.verdict import Verdict


class NotifierSpec(ComponentSpec):
    """Inputs, outputs and parameters of Notifier."""

    PARAMETERS = {
        "pipeline_name": ExecutionParameter(type=str),
        "provider": ExecutionParameter(type=str),
        "runs_folder": ExecutionParameter(type=str),
        "notifications": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
        "record": ExecutionParameter(type=str),
        "experiment": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "pushed_model": ChannelParameter(type=standard_artifacts.PushedModel),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun, optional=True),
    }
    OUTPUTS = {"notification": ChannelParameter(type=standard_artifacts.String)}


class Executor(base_executor.BaseExecutor):
    """Collects the facts, tells whoever wants to know, keeps what became of it."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `notification`: a JSON of channel, outcome and time."""
        notification = artifact_utils.get_single_instance(output_dict["notification"])
        run_id = self._context.pipeline_run_id or run_id_lib.of_vertex(notification.uri)
        runs = files.folder(exec_properties["runs_folder"])
        facts = dataclasses.replace(
            facts_of(input_dict),
            pipeline=exec_properties["pipeline_name"],
            provider=exec_properties["provider"],
            run_id=run_id,
            code=exec_properties["code"],
            ended=time.time(),
        )
        facts = facts.since(start.read(runs, run_id))
        config = NotificationsConfig.model_validate_json(
            exec_properties["notifications"]
        )
        deliveries = [vars(each) for each in notify.notify(facts, config, runs)]
        notification.value = json.dumps(deliveries)
        notification.set_string_custom_property(
            recorded.Notification.CHANNELS,
            ",".join(each["channel"] for each in deliveries),
        )
        notification.set_string_custom_property(
            recorded.RunKey.TOLD, notification.value
        )
        io_utils.write_string_file(notification.uri, notification.value)
        place = exec_properties.get("experiment") or ""
        if place:
            why = log_run(place, run_id, facts, input_dict["model_run"])
            notification.set_string_custom_property(
                recorded.Notification.EXPERIMENT, why or "written"
            )


class Notifier(base_component.BaseComponent):
    """Tells people what became of the run.

    When a node before it fails it does not run; the local runner and, on Vertex, the
    exit handler then do the same in its place.

    Component `outputs` contains:
      notification: String, a JSON list: channel, kind, outcome ('sent', 'waiting',
        'lost'), at (seconds since 1970), error. Names of channels, never addresses.
    """

    SPEC_CLASS = NotifierSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        anomalies: types.BaseChannel,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        pushed_model: types.BaseChannel,
        pipeline_name: str,
        provider: str,
        runs_folder: str,
        notifications: NotificationsConfig,
        code: str = "",
        record: str = "",
        experiment: str = "",
        model_run: types.BaseChannel | None = None,
    ) -> None:
        """Makes the node; what was told lies in RUNS_FOLDER/RUN_ID.

        On Vertex, where nobody else writes it, `record` is the run's record: a
        parameter of a task stays in Vertex ML Metadata. With an `experiment` (of
        `platforms.settings.experiment`) the run is written into it, with the curves of
        `model_run`.
        """
        super().__init__(
            NotifierSpec(
                examples=examples,
                anomalies=anomalies,
                evaluation=evaluation,
                blessing=blessing,
                pushed_model=pushed_model,
                pipeline_name=pipeline_name,
                provider=provider,
                runs_folder=runs_folder,
                notifications=notifications.model_dump_json(exclude_defaults=True),
                code=code,
                record=record,
                **_given(experiment, model_run),
                notification=channel_utils.as_channel([standard_artifacts.String()]),
            )
        )


def _given(experiment: str, model_run: types.BaseChannel | None) -> dict[str, object]:
    if not experiment:
        return {}
    return {"experiment": experiment, "model_run": model_run}


def log_run(
    place: str, run_id: str, facts: RunFacts, model_run: list[types.Artifact]
) -> str:
    """Writes the run into its experiment; '' or why it could not be."""
    folder = artifact_utils.get_single_uri(model_run)
    try:
        epochs = _read_json(folder, "history.json")
        params = log.flat("training", _read_json(folder, "settings.json"))
    except (OSError, ValueError) as error:
        return f"{folder}: {error}"
    metrics = {**facts.metrics, "blessed": float(facts.succeeded)}
    return log.finished(place, run_id, params, metrics, epochs)


def facts_of(inputs: dict[str, list[types.Artifact]]) -> RunFacts:
    """What the artifacts of a run say of it."""
    evaluation = artifact_utils.get_single_uri(inputs["evaluation"])
    verdict = Verdict.from_dict(_read_json(evaluation, "verdict.json"))
    pushed = artifact_utils.get_single_instance(inputs["pushed_model"])
    anomalies = artifact_utils.get_single_instance(inputs["anomalies"])
    examples = artifact_utils.get_single_instance(inputs["examples"])
    drifted = anomalies.get_string_custom_property(recorded.Anomalies.DRIFTED)
    outcome = "SUCCEEDED" if verdict.blessed else "NOT_BLESSED"
    reasons = tuple(verdict.reasons)
    if said := pushed.get_string_custom_property(recorded.Override.SAID):
        outcome, reasons = "OVERRIDDEN", (_overridden(said),)
    return RunFacts(
        pipeline="",
        run_id="",
        outcome=outcome,
        node=EVALUATOR if outcome == "NOT_BLESSED" else None,
        reasons=reasons,
        checks=verdict.checks,
        metrics=metrics.overall(_read_json(evaluation, "metrics.json")["candidate"]),
        not_judged=verdict.lacks,
        drifted=tuple(json.loads(drifted or "[]")),
        data=rows.data_line(
            examples.get_int_custom_property(recorded.Data.ROWS_WRITTEN), examples.span
        ),
        pushed=pushed.get_string_custom_property(recorded.Pushed.DESTINATION) or None,
    )


def _overridden(text: str) -> str:
    said = json.loads(text)
    return f"{Override.from_dict(said).words} (the model of run {said['run']})"


def _read_json(folder: str, name: str) -> Any:
    return json.loads(io_utils.read_string_file(os.path.join(folder, name)))
