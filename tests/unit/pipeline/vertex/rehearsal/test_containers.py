"""Containers as processes of this machine."""

from __future__ import annotations

import json
import sys

import pytest

from pipeline.vertex.job.job import Step
from pipeline.vertex.rehearsal import containers

SAYS = """
import json, os, sys
print(json.dumps([sys.executable, sys.argv[1:], os.environ["WHERE"]]))
"""


def started(tmp_path, program: str) -> tuple[bool, str]:
    step = Step({"command": ["python", "-c", program], "args": ["--one", "{{$}}"]})
    with (tmp_path / "log.txt").open("ab") as log:
        good = containers.start(step, '{"inputs": 1}', log, {"WHERE": "here"})
    return good, (tmp_path / "log.txt").read_text()


def test_python_is_this_interpreter_and_gets_what_the_service_fills_in(tmp_path):
    good, text = started(tmp_path, SAYS)

    assert good
    assert json.loads(text) == [sys.executable, ["--one", '{"inputs": 1}'], "here"]


def test_what_a_container_says_is_kept_when_it_fails(tmp_path):
    good, text = started(tmp_path, "raise SystemExit('no such table')")

    assert not good
    assert text == "no such table\n"


@pytest.mark.parametrize(
    ("gigabytes", "expected"), [(0.5, 1), (2, 1), (4.5, 2), (64, 4)], ids=str
)
def test_as_many_tasks_run_as_memory_and_cores_allow(monkeypatch, gigabytes, expected):
    monkeypatch.setattr("os.cpu_count", lambda: 4)

    assert containers.at_once(int(gigabytes * 2**30)) == expected
