"""What a job says, and what its tasks are told of it."""

from __future__ import annotations

import datetime

import pytest

from pipeline.errors import UsageError
from pipeline.vertex.job.job import Job
from pipeline.vertex.rehearsal.spec import Spec
from tests.unit.pipeline.vertex.rehearsal.test_run import component, job, task

NOW = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC)


@pytest.fixture
def asked(tmp_path):
    """A job whose only task takes who submitted, and a number of steps."""
    taken = {name: {"componentInputParameter": name} for name in ("origin", "steps")}
    tasks = {"A": task("A", inputs={"parameters": taken})}
    declared = (("origin", {"defaultValue": ""}), ("steps", {"defaultValue": "1"}))
    return Job(job(tmp_path, tasks, {"A": component()}, {}, declared))


def told(asked: Job, **given: str) -> dict[str, object]:
    spec = Spec(asked, given, NOW)
    return dict(spec.parameters(spec.tasks["A"]))


def test_who_submits_is_taken_as_the_service_fills_it_in(asked):
    """Nobody may give it; a job that is under way has it."""
    assert told(asked, origin='{"trigger": "manual"}') == {
        "origin": '{"trigger": "manual"}',
        "steps": "1",
    }


def test_what_a_job_does_not_declare_is_refused(asked):
    with pytest.raises(UsageError, match="the job has none"):
        told(asked, step="2")
