"""The folder of each run, the lock on the output root, and the list of runs."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.config.config import Config
from pipeline.config.metadata import is_server
from pipeline.errors import BusyError, UsageError
from pipeline.runs import summary
from pipeline.runs.summary import RunSummary

CONFIG_FILE = "config.json"
LOG_FILE = "run.log"
CONFIRMED_FILE = "confirmed"


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Where one run leaves what a person reads."""

    path: Path

    @property
    def run_id(self) -> str:
        """The name of the folder, and of the run in MLMD."""
        return self.path.name

    @property
    def log(self) -> Path:
        """What TFX, Beam and TensorFlow say."""
        return self.path / LOG_FILE

    def write_json(self, name: str, value: Any) -> None:
        """Writes the file all at once: a reader never sees a half of it."""
        files.write_json(self.path / name, value)


def new_run(output_root: str) -> RunFolder:
    """Makes the folder of a new run, named by the time (UTC).

    Raises:
      UsageError: the output root cannot be written.
    """
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    path = Path(output_root) / "runs" / f"{now}-{secrets.token_hex(2)}"
    try:
        files.make_folder(path.parent)
        path.mkdir()
        files.sync(str(path))
    except OSError as error:
        raise UsageError(
            f"output_root: {output_root} cannot be written: {error.strerror}. "
            "Choose another folder with --set output_root=DIR"
        ) from None
    return RunFolder(path)


@contextlib.contextmanager
def locked(output_root: str) -> Iterator[None]:
    """Holds the output root: its files and its records serve one run at a time.

    The kernel drops the lock with the process, so a killed run leaves none behind.

    Raises:
      BusyError: another run holds it.
      UsageError: the output root cannot be written.
    """
    path = Path(output_root) / "run.lock"
    try:
        files.make_folder(path.parent)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"output_root: {output_root} cannot be written: {error.strerror}. "
            "Choose another folder with --set output_root=DIR"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BusyError(
                f"output_root: {output_root} is in use by {holder}. Wait for it, or "
                "use another folder: --set output_root=DIR"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def confirm(output_root: str, run_id: str) -> None:
    """Notes that the run's answer was asked for again, and holds: `watch` counts it."""
    with contextlib.suppress(OSError):  # a read-only folder still has the answer
        (Path(output_root) / "runs" / run_id / CONFIRMED_FILE).touch()


def read(folder: Path) -> RunSummary:
    """The summary in a run's folder; without one that is whole the run was cut off."""
    plain = files.read_json(folder / summary.FILE)
    try:
        return RunSummary.from_dict(plain)
    except (AttributeError, KeyError, TypeError, ValueError):
        return RunSummary(run_id=folder.name, outcome=summary.CUT_OFF)


def newest_first(output_root: str) -> Iterator[RunSummary]:
    """The summaries of all runs, read one by one: the newest cost no whole history."""
    for folder in sorted(Path(output_root, "runs").glob("*"), reverse=True):
        if folder.is_dir():
            yield read(folder)


def require_store(config: Config) -> None:
    """A store that is gone is not silently a new history.

    Raises:
      UsageError: the store's file is missing or empty, and runs were recorded in it.
    """
    store = Path(config.store)
    if is_server(config.store) or (store.is_file() and store.stat().st_size):
        return
    recorded = [
        run.run_id
        for run in newest_first(config.output_root)
        if any(node.state == "done" for node in run.nodes)
        and _store_of(config.output_root, run.run_id) == config.metadata.store
    ]
    if recorded:
        what = "is empty" if store.exists() else "is missing"
        raise UsageError(
            f"{store} {what}, and {len(recorded)} run(s) in {config.runs_path} were "
            f"recorded in it, the newest {recorded[0]}. Put the last copy of it back. "
            f"To begin a new history, move {config.runs_path} away, or use another "
            "folder: --set output_root=DIR. Nothing was changed"
        )


def _store_of(output_root: str, run_id: str) -> str | None:
    """The run's `metadata.store`; None: the file in its output root."""
    plain = files.read_json(Path(output_root, "runs", run_id, CONFIG_FILE)) or {}
    store = plain.get("metadata", {}).get("store")
    return None if store is None else str(store)


def seconds_before(
    output_root: str, run_id: str, pipeline: str, nodes: Iterable[str]
) -> dict[str, float]:
    """Node -> seconds that it took when an earlier run last did its work."""
    found: dict[str, float] = {}
    wanted = set(nodes)
    for earlier in newest_first(output_root):
        if earlier.run_id >= run_id or earlier.pipeline != pipeline:
            continue
        for node in earlier.nodes:
            if node.state == "done":
                found.setdefault(node.id, node.seconds)
        if wanted <= found.keys():
            break
    return found


def last(output_root: str, run_id: str | None = None) -> RunSummary:
    """The summary of that run, or of the newest.

    Raises:
      UsageError: there is none.
    """
    for found in newest_first(output_root):
        if run_id in (None, "", found.run_id):
            return found
    raise UsageError(f"there is no run {run_id or ''} in {output_root}/runs")


def config_of(output_root: str, run_id: str) -> Config:
    """The configuration that the run had, its data that of the whole folder.

    Raises:
      UsageError: it is not there.
    """
    file = Path(output_root) / "runs" / run_id / CONFIG_FILE
    if not file.is_file():
        raise UsageError(f"run {run_id} left no configuration at {file}")
    try:
        return Config.model_validate_json(file.read_bytes())
    except ValueError:
        raise UsageError(
            f"{file}: the configuration of run {run_id} cannot be read: it is damaged, "
            "or of another version"
        ) from None
