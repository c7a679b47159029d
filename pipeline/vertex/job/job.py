"""The compiled job: typed views of the JSON that Vertex AI Pipelines takes.

Nothing is copied: what is written through a view stands in the JSON that is sent. The
fields are those of `PipelineJob` and of kfp's `PipelineSpec`, version 2.1.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.config.vertex import Resources
from pipeline.gcp import job_message
from pipeline.nodes import TFX_DAG


class Step:
    """What a machine starts: a command and its arguments."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    @property
    def command(self) -> list[str]:
        """The program, in words."""
        return list(self._plain["command"])

    @command.setter
    def command(self, words: Sequence[str]) -> None:
        self._plain["command"] = list(words)

    @property
    def args(self) -> list[str]:
        """The arguments; the service puts the invocation in place of {{$}}."""
        return list(self._plain["args"])

    @args.setter
    def args(self, words: Sequence[str]) -> None:
        self._plain["args"] = list(words)

    def value_of(self, flag: str) -> str:
        """The argument after that one."""
        return self.args[self.args.index(flag) + 1]

    def set_flag(self, flag: str, value: str) -> None:
        """Gives the flag its value, at the end if it was not there."""
        words = self.args
        if flag in words:
            words[words.index(flag) + 1] = value
        else:
            words += [flag, value]
        self.args = words


class Container(Step):
    """What executes a task: an image, a step, and a driver that runs before it."""

    @property
    def image(self) -> str:
        """The image's address."""
        return str(self._plain["image"])

    @property
    def driver(self) -> Step | None:
        """Asked before the cache is; it has a machine of its own."""
        driver = self._plain.get("lifecycle", {}).get("preCacheCheck")
        return Step(driver) if driver else None

    @property
    def steps(self) -> list[Step]:
        """In the order in which they run."""
        return [step for step in (self.driver, self) if step]

    @property
    def resources(self) -> Resources | None:
        """What its machine must have; None: Vertex's default."""
        said = self._plain.get("resources")
        if not said:
            return None
        accelerator = said.get("accelerator", {})
        return Resources(
            cpu=said.get("cpuLimit"),
            memory_gb=said.get("memoryLimit"),
            accelerator=accelerator.get("type"),
            accelerator_count=int(accelerator.get("count", 1)),
        )

    @resources.setter
    def resources(self, wanted: Resources) -> None:
        said: dict[str, object] = {
            "cpuLimit": wanted.cpu,
            "memoryLimit": wanted.memory_gb,
        }
        if wanted.accelerator:
            count = str(wanted.accelerator_count)
            said["accelerator"] = {"type": wanted.accelerator, "count": count}
        known = {name: value for name, value in said.items() if value is not None}
        self._plain["resources"] = known


class Component:
    """What a task takes and puts out."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    @property
    def parameters(self) -> dict[str, Any]:
        """Name -> `parameterType`, `defaultValue`, `isOptional`."""
        return self._side("inputDefinitions", "parameters")

    @property
    def inputs(self) -> dict[str, Any]:
        """Key of an artifact that it takes -> its definition."""
        return self._side("inputDefinitions", "artifacts")

    @property
    def outputs(self) -> dict[str, Any]:
        """Key of an artifact that it puts out -> its definition."""
        return self._side("outputDefinitions", "artifacts")

    def declare(self, parameter: str, **defaults: Any) -> None:
        """Takes one more parameter, a text that nobody has to give."""
        inputs = self._plain.setdefault("inputDefinitions", {})
        inputs.setdefault("parameters", {})[parameter] = {
            "parameterType": "STRING",
            "isOptional": True,
            **defaults,
        }

    @property
    def executor(self) -> str:
        """The label of what executes it."""
        return str(self._plain.get("executorLabel", ""))

    def _side(self, side: str, kind: str) -> dict[str, Any]:
        return self._plain.get(side, {}).get(kind, {})


def title(definition: Mapping[str, Any]) -> str:
    """The name of an artifact's type: Vertex's, or TFX's own."""
    of = definition["artifactType"]
    if "schemaTitle" in of:
        return str(of["schemaTitle"])
    found = re.search(r"^title:\s*(\S+)", of["instanceSchema"], re.MULTILINE)
    assert found, of
    return found[1]


class JobTask:
    """One task of the job: a node, a resolver, the exit handler."""

    def __init__(self, job: Job, name: str, plain: Any) -> None:
        self._job, self._plain = job, plain
        self.name = name

    @property
    def component(self) -> Component:
        """What it takes and puts out."""
        return self._job.component(self._plain["componentRef"]["name"])

    @property
    def container(self) -> Container | None:
        """What executes it; None: the service does it itself."""
        return self._job.container(self.component.executor)

    @property
    def queries(self) -> dict[str, str] | None:
        """Of a resolver: key of an artifact -> the filter that finds it."""
        executor = self._job.executors.get(self.component.executor, {})
        if "resolver" not in executor:
            return None
        queries = executor["resolver"]["outputArtifactQueries"]
        return {key: query["filter"] for key, query in queries.items()}

    @property
    def sources(self) -> dict[str, tuple[str, str]]:
        """Key of an input -> the task that makes it, and its key there."""
        taken = self._plain.get("inputs", {}).get("artifacts", {})
        made = {key: source["taskOutputArtifact"] for key, source in taken.items()}
        return {
            key: (source["producerTask"], source["outputArtifactKey"])
            for key, source in made.items()
        }

    @property
    def before(self) -> set[str]:
        """The tasks that it waits for."""
        makers = {maker for maker, _ in self.sources.values()}
        return makers | set(self._plain.get("dependentTasks", []))

    @property
    def constants(self) -> dict[str, Any]:
        """Name of a parameter -> the value that the job was compiled with."""
        return {
            name: source["runtimeValue"]["constant"]
            for name, source in self._given.items()
            if "runtimeValue" in source
        }

    @property
    def taken(self) -> dict[str, str]:
        """Name of a parameter -> the job's, which it follows."""
        return {
            name: source["componentInputParameter"]
            for name, source in self._given.items()
            if "componentInputParameter" in source
        }

    def set_constant(self, parameter: str, value: str) -> None:
        """Gives the parameter that value, whatever the job is submitted with."""
        self._to_give[parameter] = {"runtimeValue": {"constant": value}}

    def take(self, parameter: str) -> None:
        """Gives the parameter what the job is submitted with, under the same name."""
        self._to_give[parameter] = {"componentInputParameter": parameter}

    @property
    def condition(self) -> str:
        """The condition that triggers the task; '': it always runs."""
        return str(self._plain.get("triggerPolicy", {}).get("condition", ""))

    @property
    def is_cached(self) -> bool:
        """Whether an earlier result may stand for it."""
        return bool(self._plain.get("cachingOptions", {}).get("enableCache", False))

    def never_cache(self) -> None:
        """Makes it run each time, whatever stands in the cache."""
        self._plain["cachingOptions"] = {"enableCache": False}

    @property
    def retries(self) -> int:
        """How often it starts again when it failed."""
        return int(self._plain.get("retryPolicy", {}).get("maxRetryCount", 0))

    def retry(
        self, count: int, first_s: float, factor: float, longest_s: float
    ) -> None:
        """Starts it again when it failed, after pauses that grow by the factor."""
        self._plain["retryPolicy"] = {
            "maxRetryCount": count,
            "backoffDuration": f"{first_s}s",
            "backoffFactor": factor,
            "backoffMaxDuration": f"{longest_s}s",
        }

    @property
    def _given(self) -> dict[str, Any]:
        return self._plain.get("inputs", {}).get("parameters", {})

    @property
    def _to_give(self) -> dict[str, Any]:
        return self._plain.setdefault("inputs", {}).setdefault("parameters", {})


class Job:
    """A PipelineJob, or the spec of one alone.

    With an exit handler TFX puts all nodes into one component, which is a task of the
    root beside the handler.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Job:
        """The job of that JSON, which is copied."""
        return cls(copy.deepcopy(dict(plain)))

    @classmethod
    def of_spec(cls, spec: Any) -> Job:
        """The job of a pipeline's spec alone, as a template is one."""
        return cls({"pipelineSpec": spec})

    @classmethod
    def of_message(cls, message: Any) -> Job:
        """Of an aiplatform_v1.PipelineJob, without its parameters' values."""
        return cls(job_message.plain(message))

    def to_dict(self) -> dict[str, Any]:
        """As it is sent."""
        return self._plain

    def message(
        self, given: Mapping[str, Any], labels: Mapping[str, str] | None = None
    ) -> Any:
        """The aiplatform_v1.PipelineJob that starts it; nothing is sent.

        Args:
          given: values of its parameters.
          labels: for that message alone, over its own.

        Raises:
          UsageError: it is not a PipelineJob.
        """
        runtime = dict(self._plain.get("runtimeConfig", {}))
        values = {**runtime.get("parameterValues", {}), **given}
        if values:
            runtime["parameterValues"] = values
        whole = {**self._plain, "runtimeConfig": runtime}
        return job_message.message(
            {**whole, "labels": {**self.labels, **(labels or {})}}
        )

    @property
    def spec(self) -> Any:
        """The pipelineSpec: what registries and Vertex's console take."""
        return self._plain.get("pipelineSpec", {})

    def forget_template(self) -> None:
        """Makes it a job of its own: it was submitted as one of a template."""
        self._plain.pop("templateUri", None)

    @property
    def is_compiled(self) -> bool:
        """Whether it says what executes its tasks."""
        return "deploymentSpec" in self.spec

    @property
    def name(self) -> str:
        """The pipeline's."""
        return str(self.spec["pipelineInfo"]["name"])

    @property
    def labels(self) -> dict[str, str]:
        """What Vertex keeps of it in each list."""
        return self._plain.setdefault("labels", {})

    @property
    def output(self) -> str:
        """Where its artifacts go."""
        return str(self._plain["runtimeConfig"]["gcsOutputDirectory"])

    @property
    def root(self) -> Component:
        """What the job takes: its parameters."""
        return Component(self.spec["root"])

    @property
    def graph(self) -> JobTask:
        """All nodes of the graph, as one task of the root."""
        return JobTask(self, TFX_DAG, self._at_root[TFX_DAG])

    @property
    def tasks(self) -> dict[str, JobTask]:
        """Name -> task, of the nodes of the graph."""
        inside = self.spec["components"][TFX_DAG]["dag"]["tasks"]
        return {name: JobTask(self, name, task) for name, task in inside.items()}

    @property
    def handler(self) -> JobTask | None:
        """The exit handler."""
        outside = [name for name in self._at_root if name != TFX_DAG]
        return JobTask(self, outside[0], self._at_root[outside[0]]) if outside else None

    @property
    def all_tasks(self) -> dict[str, JobTask]:
        """The tasks of the graph, and the exit handler."""
        handler = self.handler
        return {**self.tasks, **({handler.name: handler} if handler else {})}

    @property
    def executors(self) -> dict[str, Any]:
        """Label -> a container or a resolver."""
        return self.spec["deploymentSpec"]["executors"]

    @property
    def containers(self) -> dict[str, Container]:
        """Node -> container, the exit handler's too."""
        return {
            label.removesuffix("_executor"): Container(executor["container"])
            for label, executor in self.executors.items()
            if "container" in executor
        }

    def component(self, name: str) -> Component:
        """The component of that name: mostly the node's."""
        return Component(self.spec["components"][name])

    def container(self, label: str) -> Container | None:
        """The container of that label, if it is one."""
        executor = self.executors.get(label, {})
        return Container(executor["container"]) if "container" in executor else None

    def declare(self, parameter: str, *nodes: str) -> None:
        """Takes a parameter, a text that is empty unless given, on to these nodes."""
        for component in (self.root, self.component(TFX_DAG)):
            component.declare(parameter, defaultValue="")
        self.graph.take(parameter)
        for node in nodes:
            self.component(node).declare(parameter, defaultValue="")
            self.all_tasks[node].take(parameter)

    @property
    def _at_root(self) -> dict[str, Any]:
        return self.spec.get("root", {}).get("dag", {}).get("tasks", {})
