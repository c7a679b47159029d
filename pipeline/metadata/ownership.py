"""Which records are of this output root, in a store that several machines share.

Files that are not here may lie on another machine, and an execution without an end may
be at work there. Whoever mends a store touches only what runs of this root made. A
store in the output root itself is all its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

from pipeline import files
from pipeline.config import metadata as metadata_config
from pipeline.config.config import Config
from pipeline.errors import UsageError
from pipeline.metadata.records import Store
from pipeline.recorded import RunKey

ROOT_ID_FILE = "root-id"
_ENDED_AS_MAKER = "COMPLETE"


def root_id(output_root: str) -> str:
    """The output root's random id, made at its first run: it moves with the folder.

    Raises:
      UsageError: the output root cannot be written.
    """
    file = Path(output_root) / ROOT_ID_FILE
    try:
        if not file.exists():
            files.write_text(file, secrets.token_hex(16))
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            f"output_root: {file} cannot be read or written: {error.strerror}"
        ) from None


class Owner:
    """An output root, as the store knows it."""

    def __init__(self, store: Store, config: Config) -> None:
        """Reads nothing yet.

        Args:
          store: of the configuration.
          config: names the pipeline and the output root.
        """
        self._store, self._pipeline = store, config.pipeline_name
        self._root = config.output_root
        self._is_shared = metadata_config.is_server(config.store)

    def runs(self, names: Iterable[str]) -> list[str]:
        """Those of these runs that ran in this root."""
        if not self._is_shared:
            return list(names)
        mine = root_id(self._root)
        known = {
            run.id
            for run in self._store.runs(self._pipeline, (RunKey.OUTPUT_ROOT,))
            if run.text(RunKey.OUTPUT_ROOT) == mine
        }
        return [name for name in names if name in known]

    def executions(self, ids: Iterable[str]) -> list[str]:
        """Those of these executions that ran in this root."""
        wanted = list(ids)
        if not (self._is_shared and wanted):
            return wanted
        run_of = self._store.runs_of(self._pipeline, wanted)
        mine = set(self.runs(set(run_of.values())))
        return [id_ for id_ in wanted if run_of.get(id_) in mine]

    def artifacts(self, ids: Iterable[str]) -> list[str]:
        """Those of these artifacts that were made in this root, not taken over."""
        wanted = list(ids)
        if not (self._is_shared and wanted):
            return wanted
        events = self._store.events_of_artifacts(self._pipeline, wanted)
        outputs = [event for event in events if event.is_output]
        executions = self._store.executions_by_id({e.execution for e in outputs}, ())
        made = {e.id for e in executions if e.state == _ENDED_AS_MAKER}
        mine = set(self.executions(made))
        made_here = {e.artifact for e in outputs if e.execution in mine}
        return [id_ for id_ in wanted if id_ in made_here]
