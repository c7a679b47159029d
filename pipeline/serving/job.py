"""Scores files here with a pushed version of the model, in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import errors
from pipeline.config.config import ROOT, Config
from pipeline.data import preflight
from pipeline.data.formats import SUFFIXES, format_of
from pipeline.registry import versions


@dataclasses.dataclass(frozen=True)
class Scored:
    """What became of the rows."""

    rows: int
    rejected: int
    version: str
    output: Path
    rejects: Path | None
    """Where the rows that did not fit are told of; None if all fitted."""


def score(
    config: Config,
    registry: versions.Registry,
    source: Path,
    target: Path,
    version: str,
) -> Scored:
    """Writes each row with the model's answer; the target appears when complete.

    Args:
      config: says which schema rows must fit.
      registry: of the pushed versions.
      source: a CSV or Parquet file, or a folder of them.
      target: a file, or a folder for a folder; must not exist.
      version: a pushed one's number, `champion`, `candidate` or `latest`.

    Raises:
      UsageError: there is no such input or version, the target exists, or a file is
        none that a run would read.
      DataRefused: a column that the model reads is missing, or no row fits.
      DataUnreadable: a file is damaged.
    """
    inputs = _inputs(source)
    _require_new(source, target)
    limits = preflight.limits_of(config.data)
    for file in inputs:
        preflight.check_file(Path(file), limits)
    saved_model = _saved_model(registry, version)
    rejects = target.with_name(f"{target.name}.rejects.csv")
    report = _ask(
        {
            "model": str(saved_model),
            "version": saved_model.name,
            "schema_file": config.data.schema_file,
            "inputs": inputs,
            "target": str(target),
            "rejects": str(rejects),
            "limits": vars(limits),
        }
    )
    return Scored(
        report["rows"],
        report["rejected"],
        saved_model.name,
        target,
        rejects if report["rejected"] else None,
    )


def _inputs(source: Path) -> dict[str, str]:
    """File -> its name below the target; '' for a single file."""
    if source.is_file() and format_of(source.name):
        return {str(source): ""}
    known = ", ".join(SUFFIXES)
    if source.is_dir():
        found = {str(f): f.name for f in sorted(source.iterdir()) if format_of(f.name)}
        if found:
            return found
        raise errors.UsageError(f"{source}: holds no file that ends with {known}")
    if source.exists():
        raise errors.UsageError(f"{source}: its name ends with none of {known}")
    raise errors.UsageError(f"{source}: there is no such file or folder")


def _require_new(source: Path, target: Path) -> None:
    if target.exists():
        raise errors.UsageError(f"{target}: exists; nothing is written over it")
    if not target.parent.is_dir():
        raise errors.UsageError(f"{target.parent}: there is no such folder")
    if source.is_file() and format_of(target.name) != format_of(source.name):
        raise errors.UsageError(
            f"{target}: the answers are written as {format_of(source.name)}, like "
            f"{source.name}; give the output such a name"
        )


def _saved_model(registry: versions.Registry, wanted: str) -> Path:
    """The folder of the version, every byte of it as it was pushed."""
    version = registry.version(wanted)
    if version.problem:
        raise errors.UsageError(
            f"version {version.number} cannot be asked: {version.problem}"
        )
    return Path(version.uri)


def _ask(question: Mapping[str, Any]) -> dict[str, Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.serving.score"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        answer, noise = process.communicate(json.dumps(question) + "\n")
    except BaseException:
        # Unlike SIGTERM, this lets it remove what it has begun to write.
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    lines = answer.strip().splitlines()
    if process.returncode or not lines:
        reason = (noise.strip().splitlines() or [f"exit {process.returncode}"])[-1]
        raise errors.NodeFailed("predict", f"the model could not be asked: {reason}")
    report = json.loads(lines[-1])
    if "error" in report:
        raise getattr(errors, report["error"])(report["words"])
    return report
