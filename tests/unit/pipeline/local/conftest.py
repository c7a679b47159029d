"""A refused run, and a serving check that answers what a test wants."""

from __future__ import annotations

import json

import pytest

from pipeline.components import pusher
from tests.unit.pipeline.local import refusals


@pytest.fixture
def checks(tmp_path, monkeypatch):
    """The serving check's process; the test says what it answers."""

    def checks(script: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(pusher.sys, "executable", str(program))

    return checks


@pytest.fixture
def root(tmp_path, checks) -> refusals.Root:
    report = {"rows": 3, "p50_ms": 1, "p95_ms": 2, "load_s": 3}
    report |= {"size_mb": 4, "model_sha256": "0a"}
    checks(f"echo '{json.dumps(report)}'")
    return refusals.make(tmp_path / "output")
