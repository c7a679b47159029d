"""Code that ends the process in the middle of a run has not ended the run well."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from pipeline.local import exits

IN_A_THREAD = """
import os, threading
from pipeline.local import exits
with exits.raised():
    threading.Thread(target=os._exit, args=(0,)).start()
    threading.Event().wait(60)
"""


def test_it_is_an_error_that_no_library_takes_for_its_own():
    def library() -> None:
        with contextlib.suppress(Exception):
            os._exit(3)  # were it not caught, pytest would end with 3

    with exits.raised(), pytest.raises(SystemExit, match=r"os._exit\(3\) was called"):
        library()


def test_in_a_thread_the_process_ends_and_not_with_0(repository):
    ended = subprocess.run(
        [sys.executable, "-c", IN_A_THREAD], cwd=repository, capture_output=True
    )

    assert ended.returncode == 1
    assert b"os._exit(0) was called in a thread" in ended.stderr


def test_a_process_that_was_forked_ends_as_it_wants():
    with exits.raised():
        child = os.fork()
        if child == 0:
            os._exit(7)
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 7


def test_afterwards_it_is_the_system_s_again():
    before = os._exit
    with exits.raised():
        assert os._exit is not before

    assert os._exit is before
