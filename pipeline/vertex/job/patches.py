"""What TFX's compiler gets wrong or leaves out, mended in the job; one function each.

Traps are those of the field notes on TFX 1.21.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pipeline.code import packages
from pipeline.config.vertex import Node, Resources, Retry
from pipeline.nodes import BASELINE_RESOLVER, EVALUATOR
from pipeline.vertex.job.job import Job, Step
from pipeline.vertex.job.parameters import RuntimeParameter

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


def start_through_our_entry_point(
    job: Job, runs_folder: str, timeout_s: Callable[[str], int]
) -> None:
    """Trap 6, an error's words, an end in any case; a fingerprint of content.

    Args:
      job: whose containers start TFX's entry points.
      runs_folder: where a failed task leaves its words.
      timeout_s: of a node; the spec of Vertex has no field for it.
    """
    for node, container in job.containers.items():
        own = ["--node", node, "--runs_folder", runs_folder]
        own += ["--timeout_s", str(timeout_s(node))]
        _start(container, _EXECUTOR, own)
        if container.driver:
            _start(container.driver, _DRIVER, ["--driver", *own])


def compare_with_own_models(job: Job, pipeline_name: str) -> None:
    """TFX asks for the newest blessed model of the whole project, whosever it is.

    And on the first run, when there is none, the inputs that it would have been are
    said to be optional, which TFX leaves out.
    """
    resolver = f"{BASELINE_RESOLVER}-model-blessing-resolver_executor"
    query = job.executors[resolver]["resolver"]["outputArtifactQueries"]
    query["model_blessing"]["filter"] += (
        f' AND metadata.pipeline_name.string_value="{pipeline_name}"'
    )
    for component, key in _MAY_BE_MISSING:
        job.component(component).inputs[key]["isOptional"] = True


def find_files_by_package(job: Job) -> None:
    """What lies in a package here lies elsewhere in the image.

    TFX writes the folder of this machine into the job. task.py looks the package up.
    """
    for task in job.tasks.values():
        for name in _PATHS:
            if name in task.constants:
                task.set_constant(name, packages.reference(task.constants[name]))


def keep_pipeline_root(job: Job) -> None:
    """Where artifacts go stands in the job alone, and a template is the spec alone."""
    job.spec["defaultPipelineRoot"] = job.output


def declare_parameters(job: Job, parameters: Iterable[RuntimeParameter]) -> None:
    """Traps 4 and 5: all the way from the job to the task, with a default."""
    for parameter in parameters:
        job.declare(parameter.name, parameter.node)
        for step in job.containers[parameter.node].steps:
            step.args = ["--parameter", str(parameter), *step.args]


def give_resources(job: Job, resources: Mapping[Node, Resources]) -> None:
    """Trap 8: TFX knows none of ExampleGen's, and a local run breaks on the others."""
    for node, wanted in resources.items():
        job.containers[node].resources = wanted


def retry(job: Job, retries: Mapping[Node, Retry]) -> None:
    """TFX has no retries on Vertex; a task's policy is where the service reads it."""
    for node, policy in retries.items():
        job.tasks[node].retry(
            policy.count, policy.backoff_s, policy.factor, policy.max_s
        )


def _start(step: Step, entry: str, own: list[str]) -> None:
    """Our entry point in place of TFX's, with our arguments before its own."""
    assert entry in step.command, f"TFX does not start tasks with {entry} any more"
    step.command = [_OURS if word == entry else word for word in step.command]
    step.args = [*own, *step.args]
