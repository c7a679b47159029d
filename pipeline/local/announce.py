"""The word of an override goes to the run's record, summary and page, and to people."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from pipeline import files, recorded
from pipeline.config.config import Config
from pipeline.lineage import facts
from pipeline.metadata.run_record import Record
from pipeline.notifications import tell
from pipeline.reports import write
from pipeline.runs import folder as runs
from pipeline.runs.ending import Facts


def spoken(record: Record, execution: int) -> str:
    """By whom, why and when, as JSON."""
    properties = record.execution(execution).custom_properties
    return str(properties[recorded.Override.SAID].string_value)


def is_missing(record: Record, output_root: str) -> bool:
    """Whether a crash kept it from the run's record, its summary or its page."""
    folder = Path(output_root, "runs", record.run_id)
    summary, page = folder / runs.SUMMARY_FILE, folder / write.FILE
    if not summary.exists():
        return False  # a person removed the run's folder
    if "overridden" not in (files.read_json(summary) or {}):
        return True
    return not page.exists() or page.stat().st_mtime < summary.stat().st_mtime


def everywhere(record: Record, config: Config, execution: int) -> None:
    """Record, people, summary, page: what a crash cut off is done again from there.

    People are told before the summary says that they were; rather twice than never.
    """
    said = spoken(record, execution)
    record.describe_run({recorded.Override.SAID: said})
    folder = runs.RunFolder(Path(config.output_root, "runs", record.run_id))
    summary = files.read_json(folder.path / runs.SUMMARY_FILE)
    if summary is None:
        return
    [pushed] = record.outputs(execution)["pushed_model"]
    known = {
        **summary,
        "overridden": facts.said(json.loads(said)),
        "pushed": pushed.custom_properties[recorded.Pushed.DESTINATION].string_value,
    }
    if known != summary:
        _tell(known, config, folder.path.parent)
        folder.write_json(runs.SUMMARY_FILE, known)
    write.attempt(config.output_root, record.run_id)


def _tell(summary: dict[str, Any], config: Config, folder: Path) -> None:
    tell.tell(
        Facts(
            pipeline=summary["pipeline"],
            run_id=summary["run_id"],
            outcome="OVERRIDDEN",
            reasons=(summary["overridden"],),
            checks=tuple(summary["checks"]),
            data=summary.get("data", ""),
            pushed=summary["pushed"],
            ended=time.time(),
        ),
        config.notifications,
        folder,
    )
