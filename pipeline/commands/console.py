"""How both command lines end: an error in words, and the documented exit code."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from pipeline import errors, secrets
from pipeline.gcp import secret_manager


def run(app: typer.Typer) -> int:
    """Runs the app; returns its code: 2 for a user's mistake, 75 for 'try again'."""
    secrets.managed_by(secret_manager.reader())
    try:
        app()
    except errors.MillraceError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]error:[/] {escape(str(error))}")
        return _code(error)
    except SystemExit as ended:  # Typer's own errors and exits
        if isinstance(ended.code, str):  # as Python itself has it
            sys.stderr.write(f"{ended.code}\n")
            return 1
        return int(ended.code or 0)
    return 0


# sysexits.h: EX_TEMPFAIL, what schedulers and mail servers take for "try again".
_TRY_AGAIN = 75


def _code(error: errors.MillraceError) -> int:
    if isinstance(error, errors.CloudUnavailable | errors.StoreAway):
        return _TRY_AGAIN
    if isinstance(error, errors.DataRefused):
        return 3
    # What Google refuses is for who asks to change, as a wrong setting is; 1 is a run
    # that failed, or the answer no.
    return 2 if isinstance(error, errors.UsageError | errors.CloudError) else 1
