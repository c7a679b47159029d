"""The newest run that succeeded, without importing TFX: `watch` runs from cron."""

from __future__ import annotations

import os
from typing import Any

from pipeline import recorded
from pipeline.config import metadata as metadata_config
from pipeline.config.config import Config
from pipeline.gcp import job_history
from pipeline.runs import folder


def local(config: Config) -> tuple[str, float] | None:
    """Run id and end (seconds since 1970), from MLMD; None if there is none."""
    if not (metadata_config.is_server(config.store) or os.path.exists(config.store)):
        return None
    from pipeline.metadata import library

    store = library.opened(config.store, read_only=True)
    ended = [
        (run.name, _confirmed(config, run))
        for run in store.get_contexts_by_type("pipeline_run")
        if _is_success(run.custom_properties, config.pipeline_name)
    ]
    return max(ended, key=lambda each: each[1], default=None)


def _is_success(properties: Any, pipeline: str) -> bool:
    """A part of the graph that went well is no success of the pipeline."""
    return (
        properties[recorded.RunKey.OUTCOME].string_value == "SUCCEEDED"
        and properties[recorded.RunKey.PIPELINE].string_value == pipeline
        and properties[recorded.RunKey.PARTIAL].string_value != "true"
    )


def _confirmed(config: Config, run: Any) -> float:
    """When it ended, or when a later run found that nothing had changed since."""
    ended = float(run.custom_properties[recorded.RunKey.ENDED].string_value)
    file = os.path.join(config.runs_path, run.name, folder.CONFIRMED_FILE)
    return max(ended, os.path.getmtime(file)) if os.path.exists(file) else ended


def on_vertex(config: Config) -> tuple[str, float] | None:
    """The newest success among the pipeline's jobs on Vertex."""
    return job_history.last_success(config) if config.vertex else None
