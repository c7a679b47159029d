"""A run whose model was refused, and whether a person may push it all the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.config.config import Config
from pipeline.errors import UsageError
from pipeline.nodes import EVALUATOR, EXAMPLE_GEN, PUSHER, TRAINER
from pipeline.platforms.registry import RegistrySettings
from pipeline.registry.versions import Registry
from pipeline.runs import folder
from pipeline.runs.summary import RunSummary

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    from pipeline.metadata.run_record import Record

# Whatever imports TFX is imported inside functions: most refusals need none of it.

_INPUTS = {
    "model": TRAINER,
    "blessing": EVALUATOR,
    "evaluation": EVALUATOR,
    "examples": EXAMPLE_GEN,
}


@dataclasses.dataclass(frozen=True)
class Refused:
    """A run whose model was refused, and that may be overridden."""

    record: Record
    summary: RunSummary
    inputs: Mapping[str, mlmd.Artifact]
    parameters: Mapping[str, str]
    """The Pusher's: where it would have pushed to, and how."""

    @property
    def run_id(self) -> str:
        """The refused run's id."""
        return self.summary.run_id

    @property
    def registry(self) -> Registry | None:
        """Where its Pusher would have registered it."""
        return registry_of(self.parameters)


def registry_of(parameters: Mapping[str, str]) -> Registry | None:
    """The registry that a Pusher with these parameters pushes to."""
    plain = json.loads(parameters.get("registry") or "{}")
    return RegistrySettings.from_dict(plain).opened()


def require(output_root: str, run_id: str) -> RunSummary:
    """The run's summary, when it was refused and nobody overrode that.

    Raises:
      UsageError: there is no such run, it was not refused by the verdict, or somebody
        overrode it already.
    """
    summary = folder.last(output_root, run_id)
    if summary.outcome != "NOT_BLESSED":
        raise UsageError(
            f"run {run_id} ended {summary.outcome}, and only a run that ended "
            "NOT_BLESSED has a refused model: python local_runner.py runs"
        )
    if summary.overridden:
        raise UsageError(f"run {run_id} was overridden already {summary.overridden}")
    return summary


def of(config: Config, run_id: str) -> Refused:
    """That run, with all that its push takes.

    Raises:
      UsageError: as `require`, or it may not push, or files of it are gone.
    """
    from pipeline.metadata.run_record import Record

    summary = require(config.output_root, run_id)
    own = config.model_copy(update={"pipeline_name": summary.pipeline})
    record = Record(own, run_id)
    parameters = record.parameters_of(PUSHER)
    if "destination" not in parameters:
        raise UsageError(
            f"run {run_id} did not come to its Pusher (a part of the graph was asked "
            "for), so it is not known where its model would go. Run all of it: "
            f"local_runner.py resume {run_id}"
        )
    if withheld := parameters.get("withheld"):
        raise UsageError(f"run {run_id}: {withheld}")
    inputs = {key: _there(record, run_id, key) for key in _INPUTS}
    return Refused(record, summary, inputs, parameters)


def _there(record: Record, run_id: str, key: str) -> mlmd.Artifact:
    """What the push takes under that key, with its files."""
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    from pipeline.metadata.run_record import has_payload

    [artifact] = record.outputs_of(_INPUTS[key]).get(key) or [mlmd.Artifact()]
    if artifact.state == mlmd.Artifact.LIVE and has_payload(artifact):
        return artifact
    where = artifact.uri or "not on record"
    raise UsageError(
        f"run {run_id}: the files of its {key} are gone (artifact {artifact.id}, "
        f"{where}), so its model cannot be pushed. Train it again: "
        f"local_runner.py resume {run_id}"
    )
