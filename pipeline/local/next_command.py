"""The command that a person most likely wants now, as one types it here."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.runs.outcome import Outcome


def of(verb: str, arguments: Sequence[str]) -> str:
    """`local_runner.py VERB`, with this interpreter and these options."""
    return f"{_python()} local_runner.py {verb} {shlex.join(arguments)}".rstrip()


def after(outcome: Outcome, run_id: str, arguments: Sequence[str]) -> str:
    """What to type after a run that ended so."""
    look = f"runs {run_id}"
    verbs = {
        Outcome.SUCCEEDED: look,
        Outcome.NOT_BLESSED: look,
        Outcome.DATA_REFUSED: "schema diff",
    }
    return of(verbs.get(outcome, "resume"), arguments)


def _python() -> str:
    if shutil.which("python") == sys.executable:
        return "python"
    inside = Path(sys.executable).is_relative_to(Path.cwd())
    return os.path.relpath(sys.executable) if inside else sys.executable
