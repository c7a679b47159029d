"""Which task runs when, with what, and what becomes of it."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.vertex.job.job import Job
from pipeline.vertex.rehearsal.run import Rehearsal

# Logs what it was given, and writes metadata of its artifacts into the output file.
PROGRAM = """
import json, os, sys
given = json.loads(sys.argv[1])
print("PARAMETERS", json.dumps(given["inputs"].get("parameterValues", {})))
print("INPUTS", sorted(given["inputs"].get("artifacts", {})))
file = given["outputs"]["outputFile"].removeprefix("file://")
tries = os.path.dirname(file).rsplit("_", 1)[0] + ".tries"
open(tries, "a").write("x")
if len(sys.argv) > 2 and len(open(tries).read()) <= int(sys.argv[2]):
    sys.exit(1)
artifacts = {
    key: {"artifacts": [{"metadata": {"blessed": 1.0}}]}
    for key in given["outputs"].get("artifacts", {})
}
json.dump({"artifacts": artifacts}, open(file, "w"))
"""


def component(*outputs: str, executor: str = "plain") -> dict:
    artifacts = {key: {"artifactType": {"schemaTitle": "tfx.Model"}} for key in outputs}
    return {
        "executorLabel": executor,
        "outputDefinitions": {"artifacts": artifacts},
    }


def task(name: str, **more) -> dict:
    return {"componentRef": {"name": name}, **more}


def container(*arguments: str) -> dict:
    command = ["python", "-c", PROGRAM]
    return {"container": {"command": command, "args": ["{{$}}", *arguments]}}


def source(producer: str, key: str) -> dict:
    return {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": key}}


def job(root, tasks: dict, components: dict, executors: dict, declared=()) -> dict:
    status = {"taskFinalStatus": {"producerTask": "tfx-dag"}}
    handler = task("Handler", inputs={"parameters": {"final_status": status}})
    inputs = {
        name: {"parameterType": "STRING", **default} for name, default in declared
    }
    return {
        "runtimeConfig": {"gcsOutputDirectory": f"file://{root}"},
        "pipelineSpec": {
            "root": {
                "inputDefinitions": {"parameters": inputs},
                "dag": {"tasks": {"tfx-dag": task("tfx-dag"), "Handler": handler}},
            },
            "components": {
                "tfx-dag": {"dag": {"tasks": tasks}},
                "Handler": component(),
                **components,
            },
            "deploymentSpec": {"executors": {"plain": container(), **executors}},
        },
    }


def states(tasks) -> dict[str, str]:
    return {each.name: each.state for each in tasks}


@pytest.fixture
def chain(tmp_path, containers):
    """A -> B; A has a parameter."""

    def chain(run: str = "r1", given=None, fail_at=None, retries=0, fails=0):
        parameters = {
            "x": {"componentInputParameter": "x"},
            "y": {"runtimeValue": {"constant": 3.0}},
        }
        tasks = {
            "B": task(
                "B",
                inputs={"artifacts": {"model": source("A", "model")}},
                dependentTasks=["A"],
            ),
            "A": task(
                "A",
                inputs={"parameters": parameters},
                retryPolicy={"maxRetryCount": retries},
            ),
        }
        made = job(
            tmp_path,
            tasks,
            {"A": component("model", executor="first"), "B": component("other")},
            {"first": container(str(fails))},
            declared=[("x", {"defaultValue": "d"})],
        )
        return Rehearsal(Job(made), run, given or {}, containers, fail_at)

    return chain


def log(tmp_path, name: str, run: str = "r1", attempt: int = 0) -> str:
    return (tmp_path / "1" / run / f"{name}_{attempt}" / "log.txt").read_text()


def test_tasks_run_in_the_order_of_what_they_need(chain, tmp_path):
    tasks = chain().run()

    assert states(tasks) == {"A": "SUCCEEDED", "B": "SUCCEEDED", "Handler": "SUCCEEDED"}
    assert 'PARAMETERS {"x": "d", "y": 3.0}' in log(tmp_path, "A")
    assert "INPUTS ['model']" in log(tmp_path, "B")
    assert '\\"state\\": \\"SUCCEEDED\\"' in log(tmp_path, "Handler")


def test_a_value_given_at_submission_takes_the_place_of_the_default(chain, tmp_path):
    chain(given={"x": "mine"}).run()

    assert '"x": "mine"' in log(tmp_path, "A")


def test_what_a_task_writes_of_its_outputs_goes_to_the_next(chain):
    tasks = {each.name: each for each in chain().run()}

    assert tasks["B"].inputs["model"][0].metadata == {"blessed": 1.0}


@pytest.mark.parametrize(
    ("fail_at", "expected"),
    [
        ("A", {"A": "FAILED", "B": "SKIPPED", "Handler": "SUCCEEDED"}),
        ("B", {"A": "SUCCEEDED", "B": "FAILED", "Handler": "SUCCEEDED"}),
    ],
)
def test_the_handler_runs_whatever_fails(chain, tmp_path, fail_at, expected):
    rehearsed = chain(fail_at=fail_at)

    assert states(rehearsed.run()) == expected
    assert not rehearsed.succeeded
    assert '\\"state\\": \\"FAILED\\"' in log(tmp_path, "Handler")
    assert f"['{fail_at}']" in log(tmp_path, "Handler")


def test_a_failed_task_is_started_again_as_its_policy_says(chain):
    once = {each.name: each for each in chain(retries=2, fails=1).run()}
    never = {each.name: each for each in chain("r2", retries=1, fails=9).run()}

    assert (once["A"].state, once["A"].attempts) == ("SUCCEEDED", 2)
    assert (never["A"].state, never["A"].attempts) == ("FAILED", 2)


def test_a_resolver_finds_what_an_earlier_rehearsal_left(tmp_path, containers):
    def run(name: str):
        queries = {"model": {"filter": 'schema_title="tfx.Model" AND state=LIVE'}}
        tasks = {
            "Find": task("Find"),
            "Make": task("Make", dependentTasks=["Find"]),
        }
        made = job(
            tmp_path,
            tasks,
            {"Find": component(executor="find"), "Make": component("model")},
            {"find": {"resolver": {"outputArtifactQueries": queries}}},
        )
        return {
            each.name: each for each in Rehearsal(Job(made), name, {}, containers).run()
        }

    first, second = run("r1"), run("r2")

    assert first["Find"].outputs == {"model": []}
    assert second["Find"].outputs == first["Make"].outputs


def test_a_task_whose_condition_does_not_hold_is_not_started(tmp_path, containers):
    key = "_Make.model"
    condition = f"inputs.artifacts['{key}'].artifacts[0].metadata['blessed'] == 0.0"
    tasks = {
        "Make": task("Make"),
        "Use": task(
            "Use",
            inputs={"artifacts": {key: source("Make", "model")}},
            triggerPolicy={"condition": condition},
        ),
    }
    made = job(tmp_path, tasks, {"Make": component("model"), "Use": component()}, {})

    found = states(Rehearsal(Job(made), "r1", {}, containers).run())

    assert found["Use"] == "NOT_TRIGGERED"


def test_what_was_asked_wrongly_is_told_before_anything_starts(
    chain, tmp_path, containers
):
    with pytest.raises(UsageError, match=r"--parameter z: the job has none. Known: x"):
        chain(given={"z": "1"})
    with pytest.raises(UsageError, match=r"--fail-at C: no such task. Known: B, A"):
        chain(fail_at="C")
    made = job(tmp_path, {}, {}, {}, declared=[("x", {})])
    with pytest.raises(UsageError, match="--parameter x: is missing"):
        Rehearsal(Job(made), "r1", {}, containers)


def test_a_task_waits_for_another_whose_output_it_does_not_take(tmp_path, containers):
    tasks = {
        "After": task("After", dependentTasks=["Before"]),
        "Before": task("Before"),
    }
    made = job(tmp_path, tasks, {"After": component(), "Before": component()}, {})

    found = states(Rehearsal(Job(made), "r1", {}, containers, fail_at="Before").run())

    assert (found["Before"], found["After"]) == ("FAILED", "SKIPPED")
