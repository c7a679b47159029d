"""A run has its page; a page that cannot be made costs a run nothing."""

from __future__ import annotations

import os
import subprocess
import sys

from pipeline.reports import write


def test_the_page_lies_in_the_runs_folder(root):
    root.run("r1")

    path = write.write(str(root.path), "r1")

    assert path == root.path / "runs" / "r1" / "report.html"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_an_older_page_is_replaced(root):
    path = write.path_of(str(root.path), root.run("r1"))
    path.write_text("old", encoding="utf-8")

    assert write.attempt(str(root.path), "r1") == ""

    assert "old" not in path.read_text(encoding="utf-8")[:20]


def test_what_keeps_a_page_from_being_made_is_told_and_not_raised(root):
    root.run("r1")
    (root.path / "metadata.sqlite").write_bytes(b"no database " * 99)

    why = write.attempt(str(root.path), "r1")

    assert "not a database" in why
    page = write.path_of(str(root.path), "r1").read_text(encoding="utf-8")
    assert "The report of run r1 could not be made" in page
    assert "not a database" in page


def runner(root, *arguments):
    return subprocess.run(
        [
            *(sys.executable, "local_runner.py", *arguments),
            *("--set", f"output_root={root.path}"),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "160"},
        timeout=120,
    )


def test_the_command_makes_the_newest_runs_page_again_without_tensorflow(root):
    root.run("r1")
    root.run("r2")
    code = (
        "import sys, local_runner; sys.argv[0] = 'local_runner.py'; "
        "code = local_runner.main(); "
        "sys.exit(code or 9 * bool({'tensorflow', 'tfx'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "report", "--set", f"output_root={root.path}"],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(write.path_of(str(root.path), "r2"))
    assert not write.path_of(str(root.path), "r1").exists()


def test_a_page_of_an_unknown_run_is_a_users_mistake(root):
    done = runner(root, "report", "r9")

    assert done.returncode == 2
    assert "there is no run r9" in done.stderr


def test_runs_are_compared_on_the_command_line(root, tmp_path):
    root.run("r1")
    root.run("r2", outcome="NOT_BLESSED")
    page = tmp_path / "page.html"

    done = runner(root, "compare", "r1", "r2", "--output", str(page))

    assert done.returncode == 0, done.stderr
    assert "NOT_BLESSED" in done.stdout
    assert "2 runs, side by side" in page.read_text(encoding="utf-8")


def test_one_run_is_nothing_to_compare(root):
    done = runner(root, "compare", root.run("r1"), "r1")

    assert done.returncode == 2
    assert "two or more different runs" in done.stderr
