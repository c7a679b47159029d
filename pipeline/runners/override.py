"""gate override: a person pushes a model that was refused, and it stays on record.

It goes through the Pusher's own check, manifest and registry. The verdict and the
blessing stay as the Evaluator wrote them. The record is begun before the push: a crash
leaves an execution GateOverride that says who wanted what.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import artifact_utils, standard_artifacts

from pipeline import recorded, runs
from pipeline.components import pusher
from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.notifications import tell
from pipeline.notifications.facts import Facts
from pipeline.outcome import words
from pipeline.registry.versions import Override
from pipeline.runners.record import Record, has_payload

_INPUTS = {
    "model": "Trainer",
    "blessing": "Evaluator",
    "evaluation": "Evaluator",
    "examples": "ExampleGen",
}


@dataclasses.dataclass(frozen=True)
class Refused:
    """A run whose model was refused, and that may be overridden."""

    record: Record
    run: runs.RunFolder
    summary: Mapping[str, Any]
    inputs: Mapping[str, mlmd.Artifact]
    parameters: Mapping[str, str]
    """Of its Pusher: where it would have pushed to, and how."""

    @property
    def failing(self) -> list[dict[str, Any]]:
        """The checks that did not pass."""
        return [check for check in self.summary["checks"] if not check["passed"]]


def refused(config: Config, run_id: str) -> Refused:
    """That run, when its model may be pushed by a person's word.

    Raises:
      UsageError: there is no such run, it was not refused by the verdict, somebody
        overrode it already, or files of it are gone.
    """
    summary = runs.last(config.output_root, run_id)
    if summary["outcome"] != "NOT_BLESSED":
        raise UsageError(
            f"run {run_id} ended {summary['outcome']}, and only a run that ended "
            "NOT_BLESSED has a refused model: python local_runner.py runs"
        )
    own = config.model_copy(update={"pipeline_name": summary["pipeline"]})
    record = Record(own, run_id)
    if said := summary.get("overridden"):
        raise UsageError(f"run {run_id} was overridden already {said}")
    inputs = {}
    for key, node in _INPUTS.items():
        [inputs[key]] = record.outputs_of(node).get(key) or [mlmd.Artifact()]
        artifact = inputs[key]
        if artifact.state != mlmd.Artifact.LIVE or not has_payload(artifact):
            raise UsageError(
                f"run {run_id}: the files of its {key} are gone (artifact "
                f"{artifact.id}, {artifact.uri or 'not on record'}), so its model "
                f"cannot be pushed. Train it again: local_runner.py resume {run_id}"
            )
    parameters = record.parameters_of("Pusher")
    if withheld := parameters.get("withheld"):
        raise UsageError(f"run {run_id}: {withheld}")
    folder = Path(config.output_root) / "runs" / run_id
    return Refused(record, runs.RunFolder(folder), summary, inputs, parameters)


def carry_out(found: Refused, config: Config, said: Override) -> str:
    """Pushes it; returns the version's folder.

    Raises:
      PushFailed: it does not serve, or cannot be written. What serves now is untouched,
        and the execution says FAILED.
    """
    at = time.time()
    record = found.record
    spoken = json.dumps({"by": said.by, "reason": said.reason, "at": round(at, 3)})
    execution = record.begin_execution(
        recorded.Override.TYPE,
        {key: found.inputs[key] for key in ("model", "blessing", "evaluation")},
        {
            recorded.Override.SAID: spoken,
            recorded.Override.VERDICT: str(found.summary["verdict"]),
            recorded.Override.FAILING: json.dumps(found.failing),
        },
    )
    folder = os.path.join(
        config.artifacts_path, recorded.Override.TYPE, "pushed_model", str(execution)
    )
    try:
        pushed = _pushed(found, folder, said, spoken)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        record.end_execution(execution, "FAILED")
        record.describe_failure(execution, words(error))
        raise
    pushed.mlmd_artifact.state = mlmd.Artifact.LIVE
    record.end_execution(execution, "COMPLETE", {"pushed_model": pushed.mlmd_artifact})
    record.describe_run({recorded.Override.SAID: spoken})
    version = pushed.get_string_custom_property("pushed_destination")
    said_words = f"by {said.by}: {said.reason}"
    summary = {**found.summary, "overridden": said_words, "pushed": version}
    found.run.write_json(runs.SUMMARY_FILE, summary)
    _tell(found, config, said_words, version)
    return version


def _pushed(found: Refused, folder: str, said: Override, spoken: str) -> Any:
    """The PushedModel artifact, after the push."""
    inputs = {
        key: [artifact_utils.deserialize_artifact(found.record.type_of(a), a)]
        for key, a in found.inputs.items()
    }
    pushed = standard_artifacts.PushedModel()
    pushed.uri = folder
    pushed.set_string_custom_property(recorded.Override.SAID, spoken)
    run_id = found.run.run_id
    pusher.deliver(inputs, pushed, found.parameters, run_id, said)
    return pushed


def _tell(found: Refused, config: Config, said: str, version: str) -> None:
    tell.tell(
        Facts(
            pipeline=found.summary["pipeline"],
            run_id=found.run.run_id,
            outcome="OVERRIDDEN",
            reasons=(said,),
            checks=tuple(found.summary["checks"]),
            data=found.summary.get("data", ""),
            pushed=version,
            ended=time.time(),
        ),
        config.notifications,
        found.run.path.parent,
    )
