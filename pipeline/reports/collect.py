"""Everything that a run's page shows, from the run's folder and what MLMD names."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import runs
from pipeline.errors import UsageError
from pipeline.notifications import files, history, tell
from pipeline.reports import (
    anomalies,
    distances,
    evaluations,
    statistics,
    trace,
    vocabularies,
)

HISTORY_FILE = "history.json"

_LOG = logging.getLogger("millrace")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run, however far it came."""

    summary: Mapping[str, Any]
    """summary.json."""

    config: Mapping[str, Any]
    """Every value that it ran with."""

    circumstances: Mapping[str, Any]
    """Start, code, log."""

    told: Sequence[Any]
    """Whom people's channels told, and what became of it."""

    nodes: Sequence[trace.Node]
    splits: statistics.Splits
    anomalies: Sequence[anomalies.Anomaly]
    vocabularies: Sequence[vocabularies.Vocabulary]
    epochs: Sequence[Mapping[str, float]]
    """`epoch` and the value of each metric then."""

    evaluation: evaluations.Evaluation | None

    @property
    def id(self) -> str:
        """The run's."""
        return self.summary["run_id"]

    @property
    def code(self) -> str:
        """The commit, and whether something was changed since."""
        return self.circumstances.get("code", "")

    @property
    def data_uri(self) -> str:
        """Where its statistics lie: the same for the same data."""
        found = trace.output(self.nodes, "StatisticsGen", "statistics")
        return found.uri if found else ""


@dataclasses.dataclass(frozen=True)
class Report:
    """A run, and the one before it to compare it with."""

    run: Run
    before: Run | None

    @property
    def same_data(self) -> bool:
        """Whether both runs had the same data."""
        return self.before is not None and self.before.data_uri == self.run.data_uri

    @property
    def moved(self) -> dict[str, float]:
        """Column -> how far its train split moved since the run before."""
        if self.before is None or self.same_data:
            return {}
        return moved(self.before, self.run)


def report(output_root: str, run_id: str) -> Report:
    """The run and the newest one before it, of the same pipeline and the whole graph.

    Raises:
      UsageError: there is no such run, or it was cut off.
    """
    summaries = runs.summaries(output_root)
    found = run(output_root, run_id)
    for summary in summaries:
        earlier = summary["run_id"] < run_id and not summary.get("partial", False)
        if earlier and summary.get("pipeline") == found.summary["pipeline"]:
            return Report(found, _readable(output_root, summary["run_id"]))
    return Report(found, None)


def _readable(output_root: str, run_id: str) -> Run | None:
    """The run, unless it was cut off or something of it is damaged."""
    try:
        return run(output_root, run_id)
    except Exception as error:
        _LOG.warning("nothing is compared with run %s: %s", run_id, error)
        return None


def run(output_root: str, run_id: str) -> Run:
    """All of one run that is still there.

    Raises:
      UsageError: there is no such run, or it was cut off.
    """
    summary = runs.last(output_root, run_id)
    folder = Path(output_root, "runs", run_id)
    config = files.read_json(folder / runs.CONFIG_FILE)
    if "exit_code" not in summary or config is None:
        raise UsageError(f"run {run_id} was cut off; it left no summary")
    recorded_in = (config.get("metadata") or {}).get("store")
    file = os.path.join(output_root, "metadata.sqlite")
    nodes = trace.of_run(recorded_in or file, run_id)

    def uri(node: str, key: str) -> str:
        artifact = trace.output(nodes, node, key)
        return artifact.uri if artifact else os.devnull

    splits = statistics.of_artifact(uri("StatisticsGen", "statistics"))
    told = history.of_run(folder.parent, run_id)
    return Run(
        summary=summary,
        config=config,
        circumstances=tell.circumstances(folder.parent, run_id),
        told=told.deliveries if told else (),
        nodes=nodes,
        splits=splits,
        anomalies=anomalies.of_artifact(uri("SchemaValidator", "anomalies")),
        vocabularies=vocabularies.of_artifact(
            uri("Transform", "transform_graph"),
            config["features"]["vocabulary"],
            splits,
        ),
        epochs=files.read_json(Path(uri("Trainer", "model_run"), HISTORY_FILE)) or (),
        evaluation=evaluations.of_artifact(
            uri("Evaluator", "evaluation"), config["evaluation"]
        ),
    )


def moved(before: Run, after: Run, split: str = "train") -> dict[str, float]:
    """Column -> how far it moved from one run's data to the other's."""
    ours, theirs = after.splits.get(split, {}), before.splits.get(split, {})
    found = {
        name: distances.between(theirs[name], ours[name])
        for name in ours.keys() & theirs.keys()
    }
    return {name: far for name, far in found.items() if far is not None}
