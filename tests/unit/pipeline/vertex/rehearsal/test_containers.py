"""Containers as processes that find what the image has, and nothing else of here."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline.vertex.job.job import Step
from pipeline.vertex.rehearsal import confinement
from pipeline.vertex.rehearsal import containers as containers_lib

SAYS = """
import json, os, sys
print(json.dumps([sys.prefix, sys.argv[1:], os.environ["WHERE"]]))
"""
walls = pytest.mark.skipif(
    not confinement.available(), reason="this kernel has no Landlock (Linux 5.19)"
)
root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root, by setpriv"
)


@pytest.fixture
def start(containers, tmp_path):
    """Runs a program as a task; whether it ended well, and what it said."""

    def start(program: str, *data: str) -> tuple[bool, str]:
        found = dataclasses.replace(containers, data=data)
        found = found.with_environment({"WHERE": "here"})
        step = Step({"command": ["python", "-c", program], "args": ["--one", "{{$}}"]})
        with (tmp_path / "log.txt").open("ab") as log:
            good = found.start(step, '{"inputs": 1}', log)
        return good, (tmp_path / "log.txt").read_text()

    return start


def test_python_is_the_images_and_gets_what_the_service_fills_in(start, image):
    good, text = start(SAYS)

    assert good, text
    venv = str(image.folder / "opt/venv")
    assert json.loads(text) == [venv, ["--one", '{"inputs": 1}'], "here"]


def test_what_a_container_says_is_kept_when_it_fails(start):
    good, text = start("raise SystemExit('no such table')")

    assert not good
    assert text == "no such table\n"


# Faults of a task that works on this machine, and would not on Vertex


def test_a_variable_that_only_this_machine_has_is_not_there(start, monkeypatch):
    monkeypatch.setenv("TABLE_OF_TRIPS", "/srv/trips.csv")

    good, text = start("import os; os.environ['TABLE_OF_TRIPS']")

    assert not good
    assert "KeyError: 'TABLE_OF_TRIPS'" in text


@pytest.mark.parametrize(
    "path", ["README.md", "tests/conftest.py", "docs/scale.md", ".git/HEAD"]
)
def test_a_path_that_is_relative_to_the_working_tree_leads_nowhere(
    start, repository, monkeypatch, path
):
    monkeypatch.chdir(repository)

    good, text = start(f"open({path!r})")

    assert not good
    assert f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'" in text


@walls
def test_a_file_outside_of_the_image_cannot_be_opened(start, repository):
    """The working tree's own, too: its modules come from the image."""
    for file in (repository / "README.md", Path(__file__)):
        good, text = start(f"open({str(file)!r})")

        assert not good
        assert f"PermissionError: [Errno 13] Permission denied: '{file}'" in text


@walls
def test_a_local_path_in_a_setting_cannot_be_opened(start, tmp_path_factory):
    """What stands for a bucket can: it is said to be the data, or is written to."""
    lookup = tmp_path_factory.mktemp("mine") / "lookup.csv"
    lookup.write_text("a,b\n")
    program = f"open({str(lookup)!r})"

    assert start(program, str(lookup)) == (True, "")
    good, text = start(program)

    assert not good
    assert f"PermissionError: [Errno 13] Permission denied: '{lookup}'" in text


def test_a_package_that_only_tests_need_is_not_there(start):
    """pytest runs here; a namespace that it shares with the image's stays whole."""
    good, text = start("import google.cloud.storage, google.protobuf, yaml")
    assert good, text

    good, text = start("import pytest")

    assert not good
    assert "ModuleNotFoundError: No module named 'pytest'" in text


@root
def test_a_file_of_another_user_cannot_be_read_by_root_either(start, tmp_path):
    file = tmp_path / "secret.txt"
    file.write_text("x")
    file.chmod(0o600)
    assert start(f"open({str(file)!r})") == (True, "")
    os.chown(file, 12345, 12345)

    good, text = start(f"open({str(file)!r})")

    assert not good
    assert f"PermissionError: [Errno 13] Permission denied: '{file}'" in text


def test_a_container_has_a_home_and_a_tmp_of_its_own(start, image):
    program = """
import os, pathlib, tempfile
home = pathlib.Path.home()
print(home, tempfile.gettempdir(), os.listdir(home))
(home / ".cache").mkdir(exist_ok=True)
tempfile.TemporaryFile()
"""
    good, text = start(program)

    assert good, text
    assert text.split()[:2] == [
        str(image.folder / "home/millrace"),
        str(image.folder / "tmp"),
    ]


def test_nobody_may_write_into_the_image(start):
    good, text = start("open('pipeline/nodes.py', 'a')")

    assert not good or not confinement.available()
    assert "Permission denied" in text or not confinement.available()


@pytest.mark.parametrize(
    ("gigabytes", "expected"), [(0.5, 1), (2, 1), (4.5, 2), (64, 4)], ids=str
)
def test_as_many_tasks_run_as_memory_and_cores_allow(monkeypatch, gigabytes, expected):
    monkeypatch.setattr("os.cpu_count", lambda: 4)

    assert containers_lib.at_once(int(gigabytes * 2**30)) == expected
