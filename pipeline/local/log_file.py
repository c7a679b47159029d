"""The noise of TFX, Beam and TensorFlow goes to a file, not to the terminal."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO


class _Screen(io.FileIO):
    """Where people look; when nobody does any more, what is written goes nowhere.

    A pipe that was closed (`| head -1`) or a terminal that is gone stops no run.
    """

    def write(self, content: Any) -> int:
        """As FileIO's, but for the errors."""
        try:
            return super().write(content)
        except OSError:
            return len(memoryview(content).cast("B"))


def screen() -> TextIO:
    """Standard output of now, for what a person reads."""
    raw: Any = _Screen(os.dup(1), "w")
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")


def _flush() -> None:
    """A disk that is full loses noise, and no run."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()


@contextlib.contextmanager
def captured(log: Path) -> Iterator[TextIO]:
    """Sends file descriptors 1 and 2 to `log`; yields the terminal.

    Descriptors, not sys.stdout: TensorFlow's C++ writes to them directly, and child
    processes inherit them.
    """
    _flush()
    saved = os.dup(1), os.dup(2)
    terminal = screen()
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield terminal
    finally:
        _flush()
        terminal.flush()
        for target, descriptor in enumerate(saved, start=1):
            os.dup2(descriptor, target)
            os.close(descriptor)
