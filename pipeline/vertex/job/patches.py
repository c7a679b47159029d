"""What TFX's compiler gets wrong or leaves out, mended in the job; one function each.

Traps are those of the field notes on TFX 1.21.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipeline.code import packages
from pipeline.config.vertex import Node, Resources, Retry
from pipeline.nodes import BASELINE_RESOLVER, EVALUATOR, TFX_DAG
from pipeline.vertex.job.parameters import RuntimeParameter

Job = dict[str, Any]

_TFX = "tfx.orchestration.kubeflow.v2."
_EXECUTOR = f"{_TFX}container.kubeflow_v2_run_executor"
_DRIVER = f"{_TFX}file_based_example_gen.driver"
_OURS = "pipeline.vertex.job.task"
# On the first run; component and key of the input.
_MAY_BE_MISSING = (
    (f"{BASELINE_RESOLVER}-model-resolver", "input"),
    (EVALUATOR, "baseline_model"),
)
# Parameters that hold the path of a file or folder.
_PATHS = ("input_base", "baseline")
"""With an exit handler TFX puts all nodes into this component."""


def tasks(job: Job) -> dict[str, Any]:
    """Task name -> task, of the nodes of the graph."""
    return job["pipelineSpec"]["components"][TFX_DAG]["dag"]["tasks"]


def start_through_our_entry_point(
    job: Job, runs_folder: str, timeout_s: Callable[[str], int]
) -> None:
    """Trap 6, an error's words, an end in any case; a fingerprint of content.

    Args:
      job: whose containers start TFX's entry points.
      runs_folder: where a failed task leaves its words.
      timeout_s: of a node; the spec of Vertex has no field for it.
    """
    for node, container in containers(job).items():
        own = ["--node", node, "--runs_folder", runs_folder]
        own += ["--timeout_s", str(timeout_s(node))]
        container["command"] = _renamed(container["command"], _EXECUTOR)
        container["args"] = [*own, *container["args"]]
        driver = container.get("lifecycle", {}).get("preCacheCheck")
        if driver:
            driver["command"] = _renamed(driver["command"], _DRIVER)
            driver["args"] = ["--driver", *own, *driver["args"]]


def compare_with_own_models(job: Job, pipeline_name: str) -> None:
    """TFX asks for the newest blessed model of the whole project, whosever it is.

    And on the first run, when there is none, the inputs that it would have been are
    said to be optional, which TFX leaves out.
    """
    spec = job["pipelineSpec"]
    resolver = f"{BASELINE_RESOLVER}-model-blessing-resolver_executor"
    queries = spec["deploymentSpec"]["executors"][resolver]["resolver"]
    query = queries["outputArtifactQueries"]["model_blessing"]
    query["filter"] += f' AND metadata.pipeline_name.string_value="{pipeline_name}"'
    for component, key in _MAY_BE_MISSING:
        inputs = spec["components"][component]["inputDefinitions"]["artifacts"]
        inputs[key]["isOptional"] = True


def find_files_by_package(job: Job) -> None:
    """What lies in a package here lies elsewhere in the image.

    TFX writes the folder of this machine into the job. task.py looks the package up.
    """
    for task in tasks(job).values():
        for name in _PATHS:
            value = task.get("inputs", {}).get("parameters", {}).get(name, {})
            if "runtimeValue" in value:
                path = value["runtimeValue"]["constant"]
                value["runtimeValue"]["constant"] = packages.reference(path)


def keep_pipeline_root(job: Job) -> None:
    """Where artifacts go stands in the job alone, and a template is the spec alone."""
    root = job["runtimeConfig"]["gcsOutputDirectory"]
    job["pipelineSpec"]["defaultPipelineRoot"] = root


def never_cache(job: Job, node: str) -> None:
    """Runs the node each time: what the Notifier tells depends on the runs before.

    A cached one would leave it to the exit handler, which knows of no verdict: a model
    refused each night would be a recovery.
    """
    tasks(job)[node]["cachingOptions"] = {"enableCache": False}


def declare_parameters(job: Job, parameters: Iterable[RuntimeParameter]) -> None:
    """Traps 4 and 5: all the way from the job to the task, with a default."""
    spec = job["pipelineSpec"]
    graph = spec["root"]["dag"]["tasks"][TFX_DAG]
    for parameter in parameters:
        name = parameter.name
        whole = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
        for component in (spec["root"], spec["components"][TFX_DAG]):
            _inputs_of(component)[name] = dict(whole)
        _inputs_of(spec["components"][parameter.node])[name] = dict(whole)
        for task in (graph, tasks(job)[parameter.node]):
            given = task.setdefault("inputs", {}).setdefault("parameters", {})
            given[name] = {"componentInputParameter": name}
        container = containers(job)[parameter.node]
        argument = ["--parameter", str(parameter)]
        container["args"] = [*argument, *container["args"]]
        driver = container.get("lifecycle", {}).get("preCacheCheck")
        if driver:
            driver["args"] = [*argument, *driver["args"]]


def give_resources(job: Job, resources: Mapping[Node, Resources]) -> None:
    """Trap 8: TFX knows none of ExampleGen's, and a local run breaks on the others."""
    for node, wanted in resources.items():
        given: dict[str, Any] = {}
        if wanted.cpu is not None:
            given["cpuLimit"] = wanted.cpu
        if wanted.memory_gb is not None:
            given["memoryLimit"] = wanted.memory_gb
        if wanted.accelerator is not None:
            given["accelerator"] = {
                "type": wanted.accelerator,
                "count": str(wanted.accelerator_count),
            }
        containers(job)[node]["resources"] = given


def retry(job: Job, retries: Mapping[Node, Retry]) -> None:
    """TFX has no retries on Vertex; a task's policy is where the service reads it."""
    for node, policy in retries.items():
        tasks(job)[node]["retryPolicy"] = {
            "maxRetryCount": policy.count,
            "backoffDuration": f"{policy.backoff_s}s",
            "backoffFactor": policy.factor,
            "backoffMaxDuration": f"{policy.max_s}s",
        }


def containers(job: Job) -> dict[str, dict[str, Any]]:
    """Node -> container, the exit handler's too."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    return {
        name.removesuffix("_executor"): executor["container"]
        for name, executor in executors.items()
        if "container" in executor
    }


def _renamed(command: list[str], entry: str) -> list[str]:
    assert entry in command, f"TFX does not start tasks with {entry} any more"
    return [_OURS if word == entry else word for word in command]


def _inputs_of(component: dict[str, Any]) -> dict[str, Any]:
    return component.setdefault("inputDefinitions", {}).setdefault("parameters", {})
