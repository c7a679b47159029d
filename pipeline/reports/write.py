"""A run's page, made and put into its folder."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from pipeline import files
from pipeline.reports import collect, html
from pipeline.reports import output_root as output_root_lib

FILE = "report.html"

_LOG = logging.getLogger("millrace")


def path_of(output_root: str, run_id: str) -> Path:
    """Where the run's page is, or will be."""
    return Path(output_root, "runs", run_id, FILE)


def write(output_root: str, run_id: str) -> Path:
    """Makes the page of what is on disk; an older one is replaced.

    Raises:
      UsageError: there is no such run, or it was cut off.
    """
    path = path_of(output_root, run_id)
    found = collect.report(output_root_lib.OutputRoot(output_root), run_id)
    files.write_text(path, html.page(found))
    return path


def attempt(output_root: str, run_id: str) -> str:
    """The same at the end of a run, which it never fails.

    People were told where the page is: there is one that says why it is empty.

    Returns:
      '', or why there is no report.
    """
    try:
        write(output_root, run_id)
    except Exception as error:
        _LOG.exception("run %s has no report", run_id)
        why = f"{type(error).__name__}: {error}"
        with contextlib.suppress(OSError):
            page = html.render("missing.html.j2", run_id=run_id, why=why)
            files.write_text(path_of(output_root, run_id), page)
        return why
    return ""
