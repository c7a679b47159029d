"""Pusher: only a blessed model, checked in a fresh process, appears all at once.

The registry of the platform then says whether it is served, or waits as the candidate.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils, path_utils

from pipeline import errors, files, recorded
from pipeline.components import payload
from pipeline.gcp.endpoints import moves
from pipeline.platforms.registry import RegistrySettings
from pipeline.registry import manifest
from pipeline.registry.versions import CHAMPION, Origin, Override, Push
from pipeline.runs import rows as run_rows
from pipeline.runs import run_id as run_id_lib
from pipeline.runs import start
from pipeline.serving.report import ServingReport
from transform import missing

CHECK_TIMEOUT_S = 600


@dataclasses.dataclass(frozen=True)
class PushPolicy:
    """What a model must hold before it goes out; of the configuration's `push`."""

    check_rows: int
    """Raw rows that it must answer in a fresh process."""

    max_p95_ms: float | None
    """None: not gated."""

    max_size_mb: float | None
    promote: bool = True
    """Whether it becomes the champion at once."""

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> PushPolicy:
        """The policy of the configuration's section, or of a task's parameter."""
        return cls(**{each.name: plain[each.name] for each in dataclasses.fields(cls)})


class PusherSpec(ComponentSpec):
    """Inputs, outputs and parameters of Pusher."""

    PARAMETERS = {
        "destination": ExecutionParameter(type=str),
        "policy": ExecutionParameter(type=str),
        "registry": ExecutionParameter(type=str),
        "withheld": ExecutionParameter(type=str),
        "override": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
    }
    OUTPUTS = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}


class Executor(base_executor.BaseExecutor):
    """Blessed? Serves? Then push and register."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the model to the destination and a copy to `pushed_model`.

        Raises:
          PushFailed: the model does not serve, is too slow or too large, or cannot
            be written or registered; or it is not the one that a person meant. What
            serves now is untouched.
        """
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        blessing = artifact_utils.get_single_instance(input_dict["blessing"])
        reason = exec_properties["withheld"] or _not_blessed(blessing)
        override = None
        if reason and not exec_properties["withheld"]:
            override = _override(exec_properties, input_dict["model"])
        if reason and override is None:
            logging.info("Not pushed: %s.", reason)
            pushed.set_int_custom_property(recorded.Pushed.PUSHED, 0)
            pushed.set_string_custom_property(recorded.Pushed.REASON, reason)
            return

        run_id = self._context.pipeline_run_id
        deliver(input_dict, pushed, exec_properties, run_id, override)
        if override:
            said = exec_properties["override"]
            pushed.set_string_custom_property(recorded.Override.SAID, said)


class Pusher(base_component.BaseComponent):
    """Puts a blessed model where a model server looks for it.

    Component `outputs` contains:
      pushed_model: `pushed` 0 or 1; when 1 `pushed_destination`, `pushed_version`,
        `manifest_sha256`, `content` and its digest, the serving check's `p50_ms`,
        `p95_ms`, `load_s`, `size_mb`, and with a registry `registered` (the version's
        name there) and `champion` 0 or 1, with an endpoint `endpoint` (what it took);
        when 0 `reason`, and `same_as` when a version holds this very model already.
        Its files are those of the pushed version, byte by byte.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        blessing: types.BaseChannel,
        examples: types.BaseChannel,
        evaluation: types.BaseChannel,
        destination: str,
        policy: PushPolicy,
        registry: RegistrySettings,
        withheld: str = "",
    ) -> None:
        """Makes the node.

        Args:
          model: the candidate.
          blessing: the Evaluator's verdict on it.
          examples: raw examples; the serving check asks rows of the split test.
          evaluation: the metrics that go along with the version.
          destination: TensorFlow Serving's base folder.
          policy: what it must hold, and whether it is served at once.
          registry: which one, with `runs_folder`, and on Vertex `code`: what the
            version is described by.
          withheld: why this run must not push, whatever the verdict; '' if it may.
        """
        super().__init__(
            PusherSpec(
                model=model,
                blessing=blessing,
                examples=examples,
                evaluation=evaluation,
                destination=destination,
                policy=json.dumps(vars(policy), sort_keys=True),
                registry=json.dumps(registry.to_dict(), sort_keys=True),
                withheld=withheld,
                pushed_model=channel_utils.as_channel(
                    [standard_artifacts.PushedModel()]
                ),
            )
        )


def _override(
    exec_properties: Mapping[str, str], model: list[types.Artifact]
) -> Override | None:
    """A person's word for this very model; None when nobody gave one.

    Only a job on Vertex brings it (vertex/runs/override.py).

    Raises:
      PushFailed: the word was given for another model.
    """
    if not exec_properties.get("override"):
        return None
    said = json.loads(exec_properties["override"])
    uri = artifact_utils.get_single_uri(model)
    if uri != said["model"]:
        raise errors.PushFailed(
            f"{said['by']} overrode the verdict on {said['model']}, and this run made "
            f"{uri}: something before it was not in the cache any more. Nothing was "
            "pushed"
        )
    return Override.from_dict(said)


def deliver(
    input_dict: dict[str, list[types.Artifact]],
    pushed: types.Artifact,
    exec_properties: Mapping[str, str],
    run_id: str | None,
    override: Override | None = None,
) -> None:
    """Serving check, manifest, push, registry, endpoint: of a model that may go out.

    Args:
      input_dict: `model`, `examples` and `evaluation`.
      pushed: gets a copy of the version, and its properties.
      exec_properties: the node's parameters.
      run_id: of the run; None: the URI of `pushed` says it.
      override: who pushes it although it was refused; None: it is blessed.

    Raises:
      PushFailed: what serves now is untouched.
    """
    model = artifact_utils.get_single_instance(input_dict["model"])
    saved_model = path_utils.serving_model_path(model.uri)
    examples = artifact_utils.get_split_uri(input_dict["examples"], "test")
    policy = PushPolicy.from_dict(json.loads(exec_properties["policy"]))
    report = _serving_check(saved_model, examples, policy.check_rows)
    _require_within_limits(report, policy)

    settings = RegistrySettings.from_dict(json.loads(exec_properties["registry"]))
    origin = _origin(input_dict, settings, run_id or run_id_lib.of_vertex(pushed.uri))
    content = report.model_sha256
    pushed.set_string_custom_property(recorded.Pushed.CONTENT, content)
    io_utils.copy_dir(saved_model, pushed.uri)
    digest = _write_manifest(pushed.uri, origin, content)
    version = _registered(
        pushed,
        exec_properties["destination"],
        settings,
        origin,
        digest,
        content,
        policy,
        override,
    )
    if version is None:
        return
    _deploy(pushed, settings.endpoint, origin.run_id)
    pushed.set_int_custom_property(recorded.Pushed.PUSHED, 1)
    pushed.set_string_custom_property(recorded.Pushed.DESTINATION, version)
    number = os.path.basename(version)
    pushed.set_string_custom_property(recorded.Pushed.VERSION, number)
    pushed.set_string_custom_property(recorded.Pushed.MANIFEST, digest)
    pushed.set_int_custom_property(recorded.Pushed.MISSING, missing.NUMBER)
    payload.describe(pushed)
    for key, value in report.measured.items():
        pushed.set_float_custom_property(key, float(value))


def _origin(
    input_dict: dict[str, list[types.Artifact]],
    settings: RegistrySettings,
    run_id: str,
) -> Origin:
    """What the model was made of."""
    known = start.read(files.folder(settings.runs_folder), run_id)
    examples = artifact_utils.get_single_instance(input_dict["examples"])
    evaluation = artifact_utils.get_single_uri(input_dict["evaluation"])
    metrics = io_utils.read_string_file(os.path.join(evaluation, "metrics.json"))
    measured = json.loads(metrics)["candidate"]["overall"]
    rows = examples.get_int_custom_property(recorded.Data.ROWS_WRITTEN)
    return Origin(
        run_id=run_id,
        code=settings.code or known.code,
        span=str(examples.span or ""),
        data=run_rows.data_line(rows, examples.span),
        metrics={name: value for name, value in measured.items() if value is not None},
    )


def _registered(
    pushed: types.Artifact,
    destination: str,
    settings: RegistrySettings,
    origin: Origin,
    digest: str,
    content: str,
    policy: PushPolicy,
    override: Override | None,
) -> str | None:
    """Pushes, and lets the registry know; the version's folder.

    None when a version holds this very model already: then nothing was pushed.

    Raises:
      PushFailed: either did not work; what serves now is untouched.
    """
    registry = settings.opened()
    if registry is None:
        return push(pushed.uri, destination)
    try:
        done = registry.push(
            lambda: push(pushed.uri, destination),
            origin,
            digest,
            content,
            policy.promote,
            override,
        )
    except (errors.UsageError, errors.CloudError, OSError) as error:
        raise errors.PushFailed(f"the model was not registered: {error}") from error
    version = done.version
    if not done.is_new:
        _say_same(pushed, done)
        return None
    pushed.set_string_custom_property(recorded.Pushed.REGISTERED, version.where)
    serves = int(CHAMPION in version.aliases)
    pushed.set_int_custom_property(recorded.Pushed.CHAMPION, serves)
    return version.uri


def _say_same(pushed: types.Artifact, done: Push) -> None:
    """Puts on record which version holds this model, and made it first."""
    number = done.version.number
    reason = f"the same files as version {number}"
    if CHAMPION in done.version.aliases:
        reason += ", now the champion" if done.moved else ", the champion"
    elif done.moved:
        reason += ", now the candidate"
    logging.info("Not pushed: %s.", reason)
    pushed.set_int_custom_property(recorded.Pushed.PUSHED, 0)
    pushed.set_string_custom_property(recorded.Pushed.REASON, reason)
    pushed.set_string_custom_property(recorded.Pushed.SAME_AS, number)
    pushed.set_string_custom_property(recorded.Pushed.REGISTERED, done.version.uri)


def _deploy(pushed: types.Artifact, settings: Any, run_id: str) -> None:
    """Puts the registered version on the endpoint, when the configuration says so.

    It is registered already, so an endpoint that does not take it is told, and no more.
    """
    where = pushed.get_string_custom_property(recorded.Pushed.REGISTERED)
    if not settings or not where:
        return
    try:
        number = where.rpartition("@")[2]
        words = moves.deploy_candidate(settings, number, run_id).words
    except (errors.UsageError, errors.CloudError) as error:
        logging.warning("Not deployed: %s", error)
        words = f"not deployed: {error}"
    pushed.set_string_custom_property(recorded.Pushed.ENDPOINT, words)


def _write_manifest(folder: str, origin: Origin, model: str) -> str:
    """Puts the manifest into the SavedModel's folder; returns its digest."""
    found = {}
    for parent, _, names in fileio.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with fileio.open(path, "rb") as file:
                content = file.read()
            sha256 = hashlib.sha256(content).hexdigest()
            found[os.path.relpath(path, folder)] = (len(content), sha256)
    content = manifest.compose(origin, found, model)
    path = os.path.join(folder, manifest.FILE)
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as file:
        file.write(content)
    return manifest.digest(content)


def push(saved_model: str, destination: str) -> str:
    """Copies the SavedModel to a new version folder, visible only when complete.

    It is copied beside the versions under a name that TensorFlow Serving passes over
    (not a number) and renamed. On a local disk the rename is atomic, and what was
    renamed survives a loss of power; a bucket has no such thing.

    Returns:
      The version's folder.

    Raises:
      PushFailed: it could not be written.
    """
    try:
        fileio.makedirs(destination)
        number = _next_version(fileio.listdir(destination))
        incoming = os.path.join(destination, f".incoming-{number}-{os.getpid()}")
        version = os.path.join(destination, str(number))
        try:
            io_utils.copy_dir(saved_model, incoming)
            files.sync(incoming)
            fileio.rename(incoming, version)
            files.sync(version)
        finally:
            if fileio.exists(incoming):
                fileio.rmtree(incoming)
    except Exception as error:
        raise errors.PushFailed(
            f"the model could not be written to {destination}: {error}. "
            "The versions there were not touched."
        ) from error
    return version


def _next_version(names: list[str]) -> int:
    """Seconds since 1970, and always above every version that is there."""
    versions = [int(n.strip("/")) for n in names if re.fullmatch(r"\d+/?", n)]
    return max([int(time.time()), *(version + 1 for version in versions)])


def _not_blessed(blessing: types.Artifact) -> str:
    if blessing.get_int_custom_property(recorded.Blessing.BLESSED) == 1:
        return ""
    verdict = (
        blessing.get_string_custom_property(recorded.Blessing.WORD) or "not blessed"
    )
    return f"the Evaluator's verdict is {verdict}"


_prepared: list[subprocess.Popen[str]] = []


def prepare_check() -> None:
    """Starts the checking process, so that TensorFlow is loaded there by the time.

    It ends with this process, asked or not.
    """
    _prepared.append(_start_check())


def discard_checks() -> None:
    """Ends the processes that were prepared and not asked."""
    while _prepared:
        _prepared.pop().kill()


def _start_check() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.serving.check"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _serving_check(saved_model: str, examples: str, rows: int) -> ServingReport:
    question = {"model": saved_model, "examples": examples, "rows": rows}
    process = _prepared.pop() if _prepared else _start_check()
    try:
        answer, complaint = process.communicate(
            json.dumps(question) + "\n", timeout=CHECK_TIMEOUT_S
        )
        if process.returncode == 0:
            plain = json.loads(answer.strip().splitlines()[-1])
            return ServingReport.from_dict(plain)
        logging.error("The serving check failed:\n%s", complaint)
        lines = complaint.strip().splitlines()
        reason = lines[-1] if lines else f"exit {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        reason = f"it did not answer within {CHECK_TIMEOUT_S} s"
    raise errors.PushFailed(
        f"the model was not pushed: it does not serve in a fresh process: {reason}"
    )


def _require_within_limits(report: ServingReport, policy: PushPolicy) -> None:
    for measured, limit, allowed in (
        ("p95_ms", "max_p95_ms", policy.max_p95_ms),
        ("size_mb", "max_size_mb", policy.max_size_mb),
    ):
        found = report.measured[measured]
        if allowed is not None and found > allowed:
            raise errors.PushFailed(
                f"the model was not pushed: its {measured} is {found}, "
                f"push.{limit} allows {allowed}"
            )
