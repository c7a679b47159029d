"""Whoever ends the process in the middle of a run has not ended the run."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """While it is entered, `os._exit` raises SystemExit: a run fails by it, on record.

    Without that a library that ends the process with 0 makes a success of a run that
    wrote no summary. A thread cannot raise for the others: there the process ends, and
    never with 0. A process that was forked ends as it wants to.
    """
    real, ours = os._exit, os.getpid()

    def exit_(status: int) -> None:
        if os.getpid() != ours:
            real(status)
        if threading.current_thread() is threading.main_thread():
            raise SystemExit(f"os._exit({status}) was called in the middle of the run")
        sys.stderr.write(f"os._exit({status}) was called in a thread of the run\n")
        real(status or 1)

    os._exit = exit_  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = real
