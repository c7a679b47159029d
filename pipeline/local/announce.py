"""The word of an override goes to the run's record, summary and page, and to people."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

from pipeline import recorded
from pipeline.config.config import Config
from pipeline.lineage import facts
from pipeline.metadata.run_record import Record
from pipeline.notifications import notify
from pipeline.reports import write
from pipeline.runs import folder as runs
from pipeline.runs import summary
from pipeline.runs.facts import RunFacts
from pipeline.runs.summary import RunSummary


def spoken(record: Record, execution: int) -> str:
    """By whom, why and when, as JSON."""
    properties = record.execution(execution).custom_properties
    return str(properties[recorded.Override.SAID].string_value)


def is_missing(record: Record, output_root: str) -> bool:
    """Whether a crash kept it from the run's record, its summary or its page."""
    folder = Path(output_root, "runs", record.run_id)
    file, page = folder / summary.FILE, folder / write.FILE
    if not file.exists():
        return False  # a person removed the run's folder
    if not runs.read(folder).overridden:
        return True
    return not page.exists() or page.stat().st_mtime < file.stat().st_mtime


def everywhere(record: Record, config: Config, execution: int) -> None:
    """Record, people, summary, page: what a crash cut off is done again from there.

    People are told before the summary says that they were; rather twice than never.
    """
    said = spoken(record, execution)
    record.describe_run({recorded.Override.SAID: said})
    folder = runs.RunFolder(Path(config.output_root, "runs", record.run_id))
    before = runs.read(folder.path)
    if before.was_cut_off:
        return
    [pushed] = record.outputs(execution)["pushed_model"]
    now = dataclasses.replace(
        before,
        overridden=facts.said(json.loads(said)),
        pushed=pushed.custom_properties[recorded.Pushed.DESTINATION].string_value,
    )
    if now != before:
        _tell(now, config, folder.path.parent)
        folder.write_json(summary.FILE, now.to_dict())
    write.attempt(config.output_root, record.run_id)


def _tell(now: RunSummary, config: Config, folder: Path) -> None:
    notify.notify(
        RunFacts(
            pipeline=now.pipeline,
            run_id=now.run_id,
            outcome="OVERRIDDEN",
            reasons=(now.overridden,),
            checks=now.checks,
            not_judged=now.not_judged,
            data=now.data,
            pushed=now.pushed,
            ended=time.time(),
        ),
        config.notifications,
        folder,
    )
