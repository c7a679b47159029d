"""A model and all that is on record of it, gathered once for every format."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from pipeline.config.evaluation import EvaluationConfig
from pipeline.errors import UsageError
from pipeline.lineage import facts, graph, names
from pipeline.metadata import payload
from pipeline.metadata.records import Artifact, Execution, Run, Store
from pipeline.recorded import Payload, Pushed, RunKey, Schema
from pipeline.reports import evaluations

URN = "urn:millrace"
"""Names of ours in other people's formats begin so; nothing has to answer there."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """What an export is about."""

    pipeline: str
    artifact: Artifact
    """The pushed model, or a trained one that was not pushed."""

    above: graph.Ancestry
    run_of: dict[str, str]
    """Execution -> id of its run."""

    runs: dict[str, Run]
    """Every run that had a part in it, in the order of writing."""

    store: Store
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The pipeline and the version, or the id of what was never pushed."""
        return f"{self.pipeline} {self.version}"

    @property
    def version(self) -> str:
        """The pushed version's number; the artifact's id where there was no push."""
        return self.artifact.text(Pushed.VERSION) or self.artifact.id

    @property
    def trained(self) -> Run:
        """The run that trained it.

        Raises:
          UsageError: no run is on record.
        """
        return self._made(self.above.model())

    @property
    def own(self) -> Run:
        """The run that pushed it; of a model that was not pushed, that trained it.

        Raises:
          UsageError: no run is on record.
        """
        return self._made(self.artifact)

    @property
    def config(self) -> dict[str, Any]:
        """Resolved configuration of the run that trained it."""
        return self.trained.json(RunKey.CONFIG, {})

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        """File of the pushed model -> size, sha256; {} of one that was not pushed."""
        return self.artifact.json(Payload.CONTENT, {})

    @property
    def examples(self) -> list[Artifact]:
        """What it learned from."""
        return self.above.of_type(graph.EXAMPLES)

    @property
    def data_files(self) -> list[dict[str, Any]]:
        """The raw files: path, size, sha256."""
        return [file for each in self.examples for file in facts.files(each)]

    @property
    def schema_digests(self) -> list[str]:
        """SHA-256 of the curated schemas."""
        found = (s.text(Schema.DIGEST) for s in self.above.of_type(graph.SCHEMA))
        return [digest for digest in found if digest]

    @property
    def judged(self) -> Artifact | None:
        """The evaluation that let it be pushed, or else its last."""
        return facts.judged(self.store, self.pipeline, self.above)

    def evaluation(self) -> evaluations.Evaluation | None:
        """With intervals; None when the evaluation's files are not to be seen here."""
        judged = self.judged
        folder = payload.here(judged.uri) if judged else None
        if folder is None:
            return None
        try:
            rules = EvaluationConfig.model_validate(self.config.get("evaluation"))
        except ValueError:  # of another version, or none
            return None
        return evaluations.of_artifact(str(folder), rules)

    def executions(self, run: Run) -> list[Execution]:
        """All of a run, those after the push as well."""
        ids = self.store.executions_of_run(self.pipeline, run.id)
        found = self.store.executions_by_id(ids)
        return sorted(found, key=lambda execution: execution.order)

    def _made(self, artifact: Artifact) -> Run:
        run = self.run_of.get(self.above.makers.get(artifact.id, ""))
        if run is None:
            raise UsageError(
                f"model {artifact.id}: the store has no run that made it, so there is "
                "nothing to export"
            )
        return self.runs[run]


def of(store: Store, pipeline: str, name: str) -> Subject:
    """The model of that name, as `trace` finds it.

    Raises:
      UsageError: no such model, or several.
    """
    found = names.model(store, pipeline, name)
    above = graph.ancestry(store, pipeline, found.artifact)
    run_of = store.runs_of(pipeline, above.executions)
    runs = [store.run(pipeline, run_id) for run_id in sorted(set(run_of.values()))]
    in_order = sorted(runs, key=lambda run: run.order)
    return Subject(
        pipeline=pipeline,
        artifact=found.artifact,
        above=above,
        run_of=run_of,
        runs={run.id: run for run in in_order},
        store=store,
        notes=found.notes,
    )


def require_pushed(subject: Subject, why: str) -> None:
    """A format that is about files wants a pushed model.

    Raises:
      UsageError: it has no files on record.
    """
    if not subject.files:
        raise UsageError(
            f"model {subject.artifact.id} was not pushed, or its files are not on "
            f"record: {why} is about the files of a pushed model. "
            "`lineage timeline` lists what was pushed"
        )


def moment(seconds: float | str) -> datetime.datetime | None:
    """A time of a store, UTC, to the millisecond; None when it is not known."""
    try:
        return datetime.datetime.fromtimestamp(round(float(seconds), 3), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def began(run: Run) -> datetime.datetime:
    """When a run began, by the machine that ran it."""
    epoch = datetime.datetime.fromtimestamp(0, datetime.UTC)
    return moment(run.text(RunKey.STARTED)) or moment(run.created) or epoch
