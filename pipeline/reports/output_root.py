"""The runs of an output root, as a report's source: their folders, and MLMD."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline import files
from pipeline.errors import UsageError
from pipeline.notifications import history
from pipeline.reports import nodes
from pipeline.reports.source import RecordedRun
from pipeline.runs import folder as runs
from pipeline.runs import start
from pipeline.runs.summary import RunSummary

_COMPARED = ("SUCCEEDED", "NOT_BLESSED", "PUSH_FAILED")


class OutputRoot:
    """Every run that left a folder there."""

    def __init__(self, path: str) -> None:
        """`output_root` of a configuration."""
        self.path = path

    def recorded(self, run_id: str) -> RecordedRun:
        """What the run's folder and MLMD say.

        Raises:
          UsageError: there is no such run, or it was cut off.
        """
        summary = runs.last(self.path, run_id)
        folder = Path(self.path, "runs", run_id)
        config = files.read_json(folder / runs.CONFIG_FILE)
        if summary.was_cut_off or config is None:
            raise UsageError(f"run {run_id} was cut off; it left no summary")
        recorded_in = (config.get("metadata") or {}).get("store")
        file = os.path.join(self.path, "metadata.sqlite")
        told = history.of_run(folder.parent, run_id)
        return RecordedRun(
            summary=summary,
            config=config,
            start=start.read(folder.parent, run_id),
            told=told.deliveries if told else (),
            nodes=nodes.of_run(recorded_in or file, run_id),
        )

    def before(self, summary: RunSummary) -> str | None:
        """The newest run of the whole graph before that one, of its pipeline.

        One that failed or refused its data is nothing to compare with.
        """
        for each in runs.newest_first(self.path):
            earlier = each.run_id < summary.run_id
            whole = not each.partial and each.outcome in _COMPARED
            if earlier and whole and each.pipeline == summary.pipeline:
                return each.run_id
        return None

    def folder(self, uri: str, part: str) -> str:
        """The artifact's own: it lies on this machine."""
        return uri
