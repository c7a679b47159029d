"""Who or what started a job travels to the tasks that run however it ends."""

from __future__ import annotations

import copy
import json

import pytest

from pipeline.vertex.job import origin
from pipeline.vertex.job.job import Job

CONSTANT = {"trigger": "schedule nightly"}
FROM_THE_JOB = {"componentInputParameter": "origin"}


def component() -> dict:
    return {"executorLabel": "executor"}


@pytest.fixture
def job() -> dict:
    graph = {"dag": {"tasks": {"Notifier": {}, "Trainer": {}}}}
    names = ("Notifier", "ExitHandler", "Trainer")
    spec = {
        "components": {"tfx-dag": graph, **{name: component() for name in names}},
        "root": {"dag": {"tasks": {"tfx-dag": {}, "ExitHandler": {}}}},
    }
    made = {"pipelineSpec": spec}
    origin.declare(Job(made))
    return made


def sources(job) -> list[dict]:
    spec = job["pipelineSpec"]
    inside = spec["components"]["tfx-dag"]["dag"]["tasks"]["Notifier"]
    handler = spec["root"]["dag"]["tasks"]["ExitHandler"]
    return [task["inputs"]["parameters"]["origin"] for task in (inside, handler)]


def test_it_is_an_optional_parameter_all_the_way_to_both_tasks(job):
    spec = job["pipelineSpec"]
    declaring = [spec["root"], *spec["components"].values()]

    declared = [
        each["inputDefinitions"]["parameters"]["origin"]
        for each in declaring
        if "inputDefinitions" in each
    ]

    assert len(declared) == 4
    assert all(each["isOptional"] and each["defaultValue"] == "" for each in declared)
    assert sources(job) == [FROM_THE_JOB, FROM_THE_JOB]
    whole = spec["root"]["dag"]["tasks"]["tfx-dag"]
    assert whole["inputs"]["parameters"]["origin"] == FROM_THE_JOB


def test_a_schedule_says_its_name_in_the_template(job):
    origin.follow_schedule(Job(job), "nightly")

    constants = [each["runtimeValue"]["constant"] for each in sources(job)]
    assert list(map(json.loads, constants)) == [CONSTANT, CONSTANT]


def test_a_backfill_says_it_itself_again(job):
    compiled = copy.deepcopy(job)
    origin.follow_schedule(Job(job), "nightly")

    origin.follow_parameter(Job(job))

    assert job == compiled


def test_who_submits_is_given_by_name_and_machine(job, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")

    [text] = origin.given(Job(job), "retrain drift").values()

    said = json.loads(text)
    assert (said["trigger"], said["user"]) == ("retrain drift", "ada")
    assert said["host"]


def test_a_job_that_was_compiled_before_takes_none():
    older = {"root": {"dag": {"tasks": {"tfx-dag": {}}}}, "components": {}}

    origin.follow_schedule(Job.of_spec(older), "nightly")

    assert origin.given(Job.of_spec(older), "hand") == {}
    assert older == {"root": {"dag": {"tasks": {"tfx-dag": {}}}}, "components": {}}
