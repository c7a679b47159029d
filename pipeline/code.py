"""Which version of the code this is."""

from __future__ import annotations

import os
import shutil
import subprocess

from pipeline.config import ROOT


def version() -> str:
    """The commit, and whether something was changed since; '' outside of git."""
    found = commit()
    return f"commit {found}" if found else ""


def commit() -> str:
    """Its first twelve digits, with -dirty when something was changed since; or ''.

    An image has no repository; there MILLRACE_COMMIT is what it was built from.
    """
    built_from = os.environ.get("MILLRACE_COMMIT", "")[:12]
    if shutil.which("git") is None:
        return built_from
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() if found.returncode == 0 else built_from
