"""Everything that a run's page shows, from what a source of runs knows of it."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline import files
from pipeline.config.evaluation import EvaluationConfig
from pipeline.nodes import (
    EVALUATOR,
    SCHEMA_VALIDATOR,
    STATISTICS_GEN,
    TRAINER,
    TRANSFORM,
)
from pipeline.reports import (
    anomalies,
    distances,
    evaluations,
    nodes,
    statistics,
    vocabularies,
)
from pipeline.reports.source import RecordedRun, Source

HISTORY_FILE = "history.json"

_LOG = logging.getLogger("millrace")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(RecordedRun):
    """A recorded run with what its artifacts hold."""

    splits: statistics.Splits
    anomalies: Sequence[anomalies.Anomaly]
    vocabularies: Sequence[vocabularies.Vocabulary]
    epochs: Sequence[Mapping[str, float]]
    """`epoch` and the value of each metric then."""

    evaluation: evaluations.Evaluation | None

    @property
    def id(self) -> str:
        """The run's id."""
        return self.summary.run_id

    @property
    def code(self) -> str:
        """The commit, and whether something was changed since."""
        return self.start.code

    @property
    def data_uri(self) -> str:
        """Where its statistics lie: the same for the same data."""
        found = nodes.output(self.nodes, STATISTICS_GEN, "statistics")
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


def report(source: Source, run_id: str) -> Report:
    """The run and the newest one before it, of the same pipeline and the whole graph.

    Raises:
      UsageError: there is no such run, or it has no end.
    """
    found = run(source, run_id)
    earlier = source.before(found.summary)
    return Report(found, _readable(source, earlier) if earlier else None)


def _readable(source: Source, run_id: str) -> Run | None:
    """The run, unless it was cut off or something of it is damaged."""
    try:
        return run(source, run_id)
    except Exception as error:
        _LOG.warning("nothing is compared with run %s: %s", run_id, error)
        return None


def run(source: Source, run_id: str) -> Run:
    """All of one run that is still there.

    Raises:
      UsageError: there is no such run, or it has no end.
    """
    facts = source.recorded(run_id)

    def folder(node: str, key: str, part: str = "") -> str:
        artifact = nodes.output(facts.nodes, node, key)
        return source.folder(artifact.uri, part) if artifact else os.devnull

    splits = statistics.of_artifact(folder(STATISTICS_GEN, "statistics"))
    history = folder(TRAINER, "model_run", HISTORY_FILE)
    return Run(
        **vars(facts),
        splits=splits,
        anomalies=anomalies.of_artifact(folder(SCHEMA_VALIDATOR, "anomalies")),
        vocabularies=vocabularies.of_artifact(
            folder(TRANSFORM, "transform_graph", vocabularies.ASSETS),
            facts.config["features"]["vocabulary"],
            splits,
        ),
        epochs=files.read_json(Path(history, HISTORY_FILE)) or (),
        evaluation=evaluations.of_artifact(
            folder(EVALUATOR, "evaluation"),
            EvaluationConfig.model_validate(facts.config["evaluation"]),
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
