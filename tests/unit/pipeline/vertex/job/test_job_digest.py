"""A job that was changed after it was compiled is known as such."""

from __future__ import annotations

import json

import pytest

from pipeline.vertex.job import job_digest
from pipeline.vertex.job.job import Job


@pytest.fixture
def job() -> dict:
    made = {"pipelineSpec": {"root": {"x": 1}}, "labels": {"team": "rides"}}
    job_digest.seal(Job(made))
    return json.loads(json.dumps(made))


def test_a_job_is_intact_as_it_was_written(job):
    assert job_digest.is_intact(Job(job))
    assert len(job["labels"][job_digest.LABEL]) <= 63


@pytest.mark.parametrize(
    "change",
    [
        lambda job: job["pipelineSpec"]["root"].update(x=2),
        lambda job: job["labels"].update(team="taxis"),
        lambda job: job.update(serviceAccount="a@b"),
        lambda job: job["labels"].pop(job_digest.LABEL),
        lambda job: job.pop("labels"),
    ],
    ids=["spec", "label", "account", "no seal", "no labels"],
)
def test_any_change_breaks_the_seal(job, change):
    change(job)

    assert not job_digest.is_intact(Job(job))


def test_a_second_seal_is_the_first(job):
    first = json.dumps(job)

    job_digest.seal(Job(job))

    assert json.dumps(job) == first
