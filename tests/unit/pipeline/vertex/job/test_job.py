"""The job's JSON, through its views."""

from __future__ import annotations

import pytest

from pipeline.config.vertex import Resources
from pipeline.vertex.job.job import Container, Job, Step


def plain() -> dict:
    """A graph of one node and a resolver, with an exit handler."""
    return {
        "labels": {"team": "rides"},
        "runtimeConfig": {"gcsOutputDirectory": "gs://trips/out"},
        "pipelineSpec": {
            "pipelineInfo": {"name": "trips"},
            "root": {
                "dag": {
                    "tasks": {
                        "tfx-dag": {"componentRef": {"name": "tfx-dag"}},
                        "ExitHandler": {"componentRef": {"name": "ExitHandler"}},
                    }
                }
            },
            "components": {
                "tfx-dag": {
                    "dag": {
                        "tasks": {
                            "Find": {"componentRef": {"name": "Find"}},
                            "Trainer": {
                                "componentRef": {"name": "Trainer"},
                                "dependentTasks": ["Find"],
                                "inputs": {
                                    "parameters": {
                                        "steps": {"runtimeValue": {"constant": "3"}}
                                    },
                                    "artifacts": {
                                        "base": {
                                            "taskOutputArtifact": {
                                                "producerTask": "Gen",
                                                "outputArtifactKey": "model",
                                            }
                                        }
                                    },
                                },
                            },
                        }
                    }
                },
                "Find": {"executorLabel": "Find_executor"},
                "Trainer": {"executorLabel": "Trainer_executor"},
                "ExitHandler": {"executorLabel": "ExitHandler_executor"},
            },
            "deploymentSpec": {
                "executors": {
                    "Find_executor": {
                        "resolver": {
                            "outputArtifactQueries": {"model": {"filter": "state=LIVE"}}
                        }
                    },
                    "Trainer_executor": {
                        "container": {
                            "image": "i",
                            "command": ["python"],
                            "args": ["--timeout_s", "60"],
                            "lifecycle": {
                                "preCacheCheck": {"command": ["python"], "args": []}
                            },
                        }
                    },
                    "ExitHandler_executor": {
                        "container": {"image": "i", "command": [], "args": []}
                    },
                }
            },
        },
    }


@pytest.fixture
def job() -> Job:
    return Job(plain())


def test_a_parameter_goes_all_the_way_from_the_job_to_its_nodes(job):
    job.declare("origin", "Trainer", "ExitHandler")

    declared = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
    for component in (
        job.root,
        *(job.component(n) for n in ("tfx-dag", "Trainer", "ExitHandler")),
    ):
        assert component.parameters["origin"] == declared
    assert job.graph.taken == {"origin": "origin"}
    assert job.tasks["Trainer"].taken == {"origin": "origin"}
    assert job.handler.taken == {"origin": "origin"}
    assert job.tasks["Find"].taken == {}


def test_a_task_says_what_it_takes_and_waits_for(job):
    trainer = job.tasks["Trainer"]

    assert trainer.constants == {"steps": "3"}
    assert trainer.sources == {"base": ("Gen", "model")}
    assert trainer.before == {"Gen", "Find"}
    assert (trainer.queries, job.tasks["Find"].container) == (None, None)
    assert job.tasks["Find"].queries == {"model": "state=LIVE"}
    assert list(job.all_tasks) == ["Find", "Trainer", "ExitHandler"]
    assert list(job.containers) == ["Trainer", "ExitHandler"]


def test_what_is_written_through_a_view_stands_in_the_json(job):
    trainer = job.tasks["Trainer"]
    trainer.never_cache()
    trainer.retry(2, 30, 2.0, 600)
    trainer.set_constant("steps", "4")

    again = Job(job.to_dict()).tasks["Trainer"]

    assert (again.is_cached, again.retries) == (False, 2)
    assert again.constants == {"steps": "4"}


def test_a_driver_runs_before_its_container(job):
    container = job.containers["Trainer"]

    assert [step.args for step in container.steps] == [[], ["--timeout_s", "60"]]
    assert job.handler.container.driver is None


def test_a_flag_is_set_once(job):
    step = Step({"command": [], "args": ["--zone", "UTC", "x"]})

    step.set_flag("--zone", "Europe/Berlin")
    step.set_flag("--other", "1")

    assert step.args == ["--zone", "Europe/Berlin", "x", "--other", "1"]
    assert step.value_of("--zone") == "Europe/Berlin"


@pytest.mark.parametrize(
    "wanted",
    [
        Resources(cpu=4, memory_gb=16),
        Resources(memory_gb=32, accelerator="NVIDIA_TESLA_T4", accelerator_count=2),
    ],
    ids=["machine", "accelerator"],
)
def test_a_container_has_the_machine_that_it_is_given(wanted):
    container = Container({})
    assert container.resources is None

    container.resources = wanted

    assert container.resources == wanted


def test_a_copy_is_a_job_of_its_own(job):
    copy = Job.from_dict(job.to_dict())
    copy.labels["team"] = "other"
    copy.tasks["Trainer"].never_cache()

    assert job.to_dict() == plain()
