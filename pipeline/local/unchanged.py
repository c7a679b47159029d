"""Did anything change since the last run? Answered without TensorFlow."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from pipeline import content
from pipeline.code import fingerprint
from pipeline.config.config import Config
from pipeline.errors import BusyError, UsageError
from pipeline.local import outputs
from pipeline.metadata import connections
from pipeline.metadata.connections import Connection
from pipeline.metadata.payload import is_remote
from pipeline.metadata.sql import SqlStore
from pipeline.runs import folder
from pipeline.runs.summary import RunSummary

_OUTPUT = 4
# What TFX's own rows say of a run's outputs (ml_metadata's schema, stable since 2019);
# its library would be right too, and take the two seconds alone.
_OUTPUTS = f"""
select distinct event.artifact_id
from Context context
join Association association on association.context_id = context.id
join Event event on event.execution_id = association.execution_id
where context.name = ? and event.type = {_OUTPUT}
"""


def inputs_digest(config: Config, files: Sequence[Path]) -> str:
    """SHA-256 of all that a run's result depends on.

    That is every value of the configuration, every byte of the data, of the curated
    schema and of the baseline statistics, the code of the graph and of each node, and
    the lock.
    """
    total = hashlib.sha256(config.digest.encode())
    for name, digest in sorted(fingerprint.all_code_files().items()):
        total.update(f"{name}\0{digest}\n".encode())
    reviewed = [Path(config.data.schema_file)]
    if (baseline := _baseline(config)) and not is_remote(baseline):
        reviewed.append(Path(baseline))
    for file in (*reviewed, *files):
        digest = content.of_file(str(file))["sha256"]
        total.update(f"{file}\0{digest}\n".encode())
    return total.hexdigest()


def relied_on(config: Config, digest: str) -> RunSummary | None:
    """The summary of the run that already gave this answer; None: run.

    Only the newest run of all nodes counts: a later one, even of other inputs, may
    have left another baseline. Newest in the order of ML Metadata's ids: a clock that
    was ahead once has named a run that stays the newest by name. Of remote data nothing
    is known without asking.
    """
    if config.data.is_remote or is_remote(_baseline(config)):
        return None
    try:
        store = connections.opened(config.store)
    except BusyError:
        raise
    except UsageError:  # the run will say what is wrong, or make a new one
        return None
    with closing(store):
        newest = _newest_of_all_nodes(config, store)
        if newest is None or newest.inputs_digest != digest or not newest.succeeded:
            return None
        return newest if _is_whole(config, store, newest) else None


def _newest_of_all_nodes(config: Config, store: Connection) -> RunSummary | None:
    runs = Path(config.output_root, "runs")
    for run in reversed(SqlStore(store).runs(config.run_name, ())):
        summary = folder.read(runs / run.id)
        if not summary.partial:
            return summary
    return None


def _baseline(config: Config) -> str:
    return config.validation.baseline_statistics or ""


def _is_whole(config: Config, store: Connection, summary: RunSummary) -> bool:
    """Whether everything that the run put out is there as it was recorded."""
    version = summary.pushed or summary.same_as
    if version and not os.path.isdir(version):
        return False
    known = SqlStore(store)
    made = known.ids(_OUTPUTS, summary.run_id)
    found = known.artifacts_by_id(made, outputs.RECORDED)
    return bool(found) and all(
        each.state == "LIVE"
        and not outputs.problem(each.uri, each.properties, config.cache.is_thorough)
        for each in found
    )
