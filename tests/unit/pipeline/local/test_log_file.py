"""The noise goes to a file, the terminal stays ours."""

from __future__ import annotations

import os
import subprocess

from pipeline.local import log_file


def test_what_is_printed_by_anyone_goes_to_the_log(tmp_path, capfd):
    log = tmp_path / "run.log"

    with log_file.captured(log) as terminal:
        os.write(1, b"from C\n")
        os.write(2, b"from C, too\n")
        subprocess.run(["sh", "-c", "echo from a child"], check=True)
        terminal.write("for people\n")
    print("afterwards", flush=True)  # noqa: T201

    seen = capfd.readouterr()
    assert log.read_text() == "from C\nfrom C, too\nfrom a child\n"
    assert (seen.out, seen.err) == ("for people\nafterwards\n", "")


def test_the_terminal_is_back_after_an_error(tmp_path, capfd):
    try:
        with log_file.captured(tmp_path / "run.log"):
            os.write(1, b"noise\n")
            raise ValueError
    except ValueError:
        os.write(1, b"back\n")

    assert capfd.readouterr().out == "back\n"


def test_a_second_part_is_added_to_the_log(tmp_path):
    log = tmp_path / "run.log"
    for line in (b"one\n", b"two\n"):
        with log_file.captured(log):
            os.write(1, line)

    assert log.read_text() == "one\ntwo\n"
