"""A command's stderr holds its own words, and everything when an import fails."""

from __future__ import annotations

import subprocess
import sys

_GREETING = """
import os, sys
from pipeline import quiet
with quiet.imports():
    os.write(2, b"from C++\\n")
    print("from Python", file=sys.stderr)
    {then}
print("our words", file=sys.stderr)
"""


def said(repository, then: str) -> list[str]:
    """On stderr, by a process that is greeted and then does that."""
    code = _GREETING.format(then=then)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True
    )
    return done.stderr.splitlines()


def test_greetings_are_kept_back_and_later_words_are_not(repository):
    assert said(repository, "pass") == ["our words"]


def test_an_import_that_fails_says_all(repository):
    lines = said(repository, "import no_such_library")

    assert {"from C++", "from Python"} <= set(lines)
    assert "no_such_library" in lines[-1]
    assert "our words" not in lines
