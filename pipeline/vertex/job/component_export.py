"""One node of the compiled job as a component that any KFP pipeline can take.

It starts the same container with the same arguments. The inputs' defaults are what the
configuration says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import yaml

from pipeline.errors import UsageError
from pipeline.vertex.job.job import Component, Container, Job, JobTask, title

# Vertex knows no TFX types outside of TFX's own pipelines, and this one takes any.
_ANY = {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}
_TYPES = "--types"
_DRIVER_FIRST = "--driver_first"


def component(job: Job, name: str) -> str:
    """The component's YAML, for kfp.components.load_component_from_file.

    Args:
      job: of vertex.compile_job.
      name: of a node, in any case, such as notifier.

    Raises:
      UsageError: the job has no such node, or it starts no container.
    """
    task, container = _found(job, name)
    short = task.name.lower()
    comp, executor = f"comp-{short}", f"exec-{short}"
    inputs = {"parameters": _parameters(task), "artifacts": _any(task.component.inputs)}
    document = {
        "pipelineInfo": {"name": short},
        "schemaVersion": job.spec["schemaVersion"],
        "sdkVersion": job.spec["sdkVersion"],
        "components": {
            comp: {
                "executorLabel": executor,
                "inputDefinitions": inputs,
                "outputDefinitions": {
                    "artifacts": {
                        key: {"artifactType": _ANY} for key in task.component.outputs
                    }
                },
            }
        },
        "deploymentSpec": {
            "executors": {
                executor: {
                    "container": {
                        "image": container.image,
                        "command": container.command,
                        "args": _arguments(container, task.component),
                    }
                }
            }
        },
        "root": _alone(short, comp, inputs),
    }
    # Through JSON: YAML would write what is the same object as a reference to it.
    return yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=True)


def _found(job: Job, name: str) -> tuple[JobTask, Container]:
    nodes = {
        node.lower(): (task, task.container)
        for node, task in job.tasks.items()
        if task.container
    }
    if name.lower() not in nodes:
        known = ", ".join(sorted(nodes))
        raise UsageError(f"'{name}' is not a component of the pipeline. Known: {known}")
    return nodes[name.lower()]


def _parameters(task: JobTask) -> dict[str, object]:
    """As the task's component declares them, with the job's values as defaults."""
    constants = task.constants
    return {
        name: {**of, "defaultValue": constants[name], "isOptional": True}
        if name in constants
        else of
        for name, of in task.component.parameters.items()
    }


def _any(artifacts: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    return {key: {**of, "artifactType": _ANY} for key, of in artifacts.items()}


def _alone(short: str, component: str, inputs: Mapping[str, Iterable[str]]) -> object:
    """A pipeline of this task alone, so that the file is a whole one."""
    given = {
        "parameters": {
            name: {"componentInputParameter": name} for name in inputs["parameters"]
        },
        "artifacts": {
            name: {"componentInputArtifact": name} for name in inputs["artifacts"]
        },
    }
    task = {
        "componentRef": {"name": component},
        "taskInfo": {"name": short},
        "inputs": given,
    }
    return {"inputDefinitions": inputs, "dag": {"tasks": {short: task}}}


def _arguments(container: Container, of: Component) -> list[str]:
    """The task's own, told what it cannot see there: the types of its artifacts.

    kfp drops a driver, so the task itself begins with it.
    """
    titles = {key: title(each) for key, each in {**of.inputs, **of.outputs}.items()}
    types = [_TYPES, json.dumps(titles, sort_keys=True)]
    return [*types, *([_DRIVER_FIRST] if container.driver else []), *container.args]
