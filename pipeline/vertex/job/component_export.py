"""One node of the compiled job as a component that any KFP pipeline can take.

It starts the same container with the same arguments. The inputs' defaults are what the
configuration says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from pipeline.errors import UsageError
from pipeline.vertex.job import patches as repairs

# Vertex knows no TFX types outside of TFX's own pipelines, and this one takes any.
_ANY = {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}
_TYPES = "--types"
_DRIVER_FIRST = "--driver_first"


def component(job: dict[str, Any], name: str) -> str:
    """The component's YAML, for kfp.components.load_component_from_file.

    Args:
      job: of vertex.compile_job.
      name: of a node, in any case, such as notifier.

    Raises:
      UsageError: the job has no such node, or it starts no container.
    """
    node = _node(job, name)
    short = node.lower()
    spec = job["pipelineSpec"]
    task = repairs.tasks(job)[node]
    inputs, outputs = _definitions(spec["components"][node], task)
    executor = spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]
    document = {
        "pipelineInfo": {"name": short},
        "schemaVersion": spec["schemaVersion"],
        "sdkVersion": spec["sdkVersion"],
        "components": {
            f"comp-{short}": {
                "executorLabel": f"exec-{short}",
                "inputDefinitions": inputs,
                "outputDefinitions": outputs,
            }
        },
        "deploymentSpec": {
            "executors": {
                f"exec-{short}": {
                    "container": _container(executor, spec["components"][node])
                }
            }
        },
        "root": _root(short, inputs),
    }
    # Through JSON: YAML would write what is the same object as a reference to it.
    return yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=True)


def _node(job: dict[str, Any], name: str) -> str:
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    nodes = {
        node.lower(): node
        for node in repairs.tasks(job)
        if "container" in executors.get(f"{node}_executor", {})
    }
    if name.lower() not in nodes:
        known = ", ".join(sorted(nodes))
        raise UsageError(f"'{name}' is no component of the pipeline. Known: {known}")
    return nodes[name.lower()]


def _definitions(
    component: Mapping[str, Any], task: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and outputs in words that kfp understands, with the job's values."""
    declared = component.get("inputDefinitions", {})
    values = task.get("inputs", {}).get("parameters", {})
    parameters = {
        name: _with_default(of, values.get(name, {}))
        for name, of in declared.get("parameters", {}).items()
    }
    artifacts = {
        name: {**of, "artifactType": _ANY}
        for name, of in declared.get("artifacts", {}).items()
    }
    made = component.get("outputDefinitions", {}).get("artifacts", {})
    return (
        {"parameters": parameters, "artifacts": artifacts},
        {"artifacts": {name: {"artifactType": _ANY} for name in made}},
    )


def _with_default(of: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    if "runtimeValue" not in value:
        return dict(of)
    constant = value["runtimeValue"]["constant"]
    return {**of, "defaultValue": constant, "isOptional": True}


def _container(
    container: Mapping[str, Any], component: Mapping[str, Any]
) -> dict[str, Any]:
    """The task's own, told what it cannot see there: the types of its artifacts.

    kfp drops a driver, so the task itself begins with it.
    """
    arguments = [_TYPES, json.dumps(_titles(component), sort_keys=True)]
    if "lifecycle" in container:
        arguments.append(_DRIVER_FIRST)
    return {
        "image": container["image"],
        "command": container["command"],
        "args": [*arguments, *container["args"]],
    }


def _titles(component: Mapping[str, Any]) -> dict[str, str]:
    """Key of an artifact -> TFX's name of its type."""
    return {
        key: yaml.safe_load(of["artifactType"]["instanceSchema"])["title"]
        for side in ("inputDefinitions", "outputDefinitions")
        for key, of in component.get(side, {}).get("artifacts", {}).items()
    }


def _root(short: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
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
        "componentRef": {"name": f"comp-{short}"},
        "taskInfo": {"name": short},
        "inputs": given,
    }
    return {"inputDefinitions": inputs, "dag": {"tasks": {short: task}}}
