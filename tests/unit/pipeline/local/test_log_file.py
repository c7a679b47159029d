"""The noise goes to a file, the terminal stays ours."""

from __future__ import annotations

import os
import subprocess
import sys

from rich.console import Console

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


def test_a_pipe_that_was_closed_stops_nobody():
    reader, writer = os.pipe()
    saved = os.dup(1)
    os.dup2(writer, 1)
    screen = log_file.screen()
    os.dup2(saved, 1)
    for file in (saved, writer, reader):
        os.close(file)

    with screen:
        for _ in range(3):
            Console(file=screen).print("a line for people\n" * 10_000)

    assert screen.closed


def test_a_disk_that_is_full_loses_noise_and_no_run(tmp_path):
    script = (
        "from pathlib import Path\n"
        "from pipeline.local import log_file\n"
        "with log_file.captured(Path('/dev/full')) as terminal:\n"
        "    print('noise')\n"
        "    terminal.write('for people')\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "for people" in ran.stdout
