"""Which function of a file changed since a run: kept in the output root by digest.

MLMD keeps a digest a file. What the file's functions were is kept beside the runs, once
for each state of a file, so that a change can be named by more than the file.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from pipeline import files
from pipeline.code import source
from pipeline.config.config import ROOT

FOLDER = "code"


def keep(output_root: str, code_files: Mapping[str, str]) -> None:
    """Writes down the functions of each file; a folder that cannot be written is fine.

    Args:
      output_root: of the run.
      code_files: of fingerprint.code_files.
    """
    for name, digest in code_files.items():
        kept = _kept(output_root, digest)
        # Not synced: what a crash left of it is no JSON, and is written again.
        if name.endswith(".py") and files.read_json(kept) is None:
            with contextlib.suppress(OSError):
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(dict(source.read(ROOT / name).parts)))


def changed(output_root: str, name: str, before: str | None) -> list[str]:
    """Functions of the file that are not as they were; none when that is not known.

    Args:
      output_root: of the run.
      name: of the file, relative to the checkout.
      before: its digest then.
    """
    then = files.read_json(_kept(output_root, before)) if before else None
    file = ROOT / name
    if not isinstance(then, dict) or not file.is_file():
        return []
    now = source.read(file).parts
    return sorted(
        part for part in then.keys() | now.keys() if then.get(part) != now.get(part)
    )


def _kept(output_root: str, digest: str) -> Path:
    return Path(output_root) / FOLDER / f"{digest}.json"
