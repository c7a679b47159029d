"""The compiled job, executed on this machine as Vertex would: container by container.

Each task runs with exactly the command and arguments of the job, as a process of its
own, with folders in place of buckets. What Vertex does between the tasks is done here:
{{$}} is filled in, the driver runs first, resolvers are answered from the artifacts of
earlier rehearsals, artifacts are handed on, failed tasks are started again, and the
exit handler runs whatever happened.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.runners import parameters as parameters_lib
from pipeline.runners import run_date

# A process of TensorFlow takes 1.5 GB, and some data on top.
_TASK_BYTES = 2 * 2**30
_GRAPH = "tfx-dag"
_CREATE_TIME = "{{$.pipeline_job_create_time_utc}}"
_ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM"

Artifact = dict[str, Any]
Artifacts = dict[str, list[Artifact]]


@dataclasses.dataclass
class Task:
    """What became of one task."""

    name: str
    state: str = "PENDING"
    """SUCCEEDED, FAILED, SKIPPED (a task before it failed) or NOT_TRIGGERED."""

    attempts: int = 0
    seconds: float = 0.0
    inputs: Artifacts = dataclasses.field(default_factory=dict)
    outputs: Artifacts = dataclasses.field(default_factory=dict)
    ended: float = 0.0
    log: Path | None = None


class Rehearsal:
    """One run of a compiled job.

    Args of the constructor:
      job: PipelineJob, as compiled; its output directory is a folder here.
      run_id: of the job.
      parameters: name -> text, given at submission.
      fail_at: a task whose container ends with 1, whatever it would do.
      tell: called with each task that ended.
      at: the time that it is created and scheduled for; default: now.
    """

    def __init__(
        self,
        job: Mapping[str, Any],
        run_id: str,
        parameters: Mapping[str, str],
        fail_at: str | None = None,
        tell: Callable[[Task], None] = lambda task: None,
        at: datetime.datetime | None = None,
    ) -> None:
        self._spec = job["pipelineSpec"]
        root = job["runtimeConfig"]["gcsOutputDirectory"]
        if "://" in root:
            raise UsageError(
                f"output_root: {root} is a bucket; a rehearsal writes to a folder: "
                "--set output_root=DIR"
            )
        self._root = Path(root)
        self._run_id = run_id
        self._started_at = at or datetime.datetime.now(datetime.UTC)
        self._folder = self._root / "1" / run_id
        self._fail_at = fail_at
        self._tell = tell
        self._graph = self._spec["components"][_GRAPH]["dag"]["tasks"]
        self._given = parameters_lib.checked(self._spec, parameters)
        self._store = _Store(self._root / "rehearsal.jsonl")
        if fail_at is not None and fail_at not in self._graph:
            raise UsageError(
                f"--fail-at {fail_at}: no such task. Known: {', '.join(self._graph)}"
            )
        self.tasks = {name: Task(name) for name in self._graph}

    def run(self) -> list[Task]:
        """All tasks, then the exit handler; the last of the list is the handler."""
        with concurrent.futures.ThreadPoolExecutor(at_once(_available_bytes())) as pool:
            running: dict[concurrent.futures.Future[None], str] = {}
            while True:
                for name in self._ready(set(running.values())):
                    running[pool.submit(self._run_task, name)] = name
                if not running:
                    break
                done, _ = concurrent.futures.wait(
                    running, return_when=concurrent.futures.FIRST_COMPLETED
                )
                for future in done:
                    future.result()
                    self._tell(self.tasks[running.pop(future)])
        for task in self.tasks.values():
            if task.state == "PENDING":
                task.state = "SKIPPED"
        handler = self._finish()
        self._tell(handler)
        return [*self.tasks.values(), handler]

    @property
    def succeeded(self) -> bool:
        """Whether no task failed."""
        return all(t.state in ("SUCCEEDED", "NOT_TRIGGERED") for t in self._all())

    def _all(self) -> list[Task]:
        return list(self.tasks.values())

    def _ready(self, running: set[str]) -> list[str]:
        return [
            name
            for name, task in self.tasks.items()
            if task.state == "PENDING"
            and name not in running
            and all(
                self.tasks[before].state in ("SUCCEEDED", "NOT_TRIGGERED")
                for before in _before(self._graph[name])
            )
        ]

    def _run_task(self, name: str) -> None:
        task, spec = self.tasks[name], self._graph[name]
        started = time.monotonic()
        task.inputs = self._inputs(spec)
        executor = self._executor(spec)
        condition = spec.get("triggerPolicy", {}).get("condition")
        if condition and not holds(condition, task.inputs):
            task.state = "NOT_TRIGGERED"
        elif "resolver" in executor:
            task.outputs = self._store.resolved(
                executor["resolver"]["outputArtifactQueries"], task.inputs
            )
            task.state = "SUCCEEDED"
        else:
            self._run_container(task, spec, executor["container"])
        task.seconds, task.ended = time.monotonic() - started, time.time()

    def _run_container(
        self, task: Task, spec: Mapping[str, Any], container: Mapping[str, Any]
    ) -> None:
        component = self._spec["components"][spec["componentRef"]["name"]]
        retries = int(spec.get("retryPolicy", {}).get("maxRetryCount", 0))
        parameters = self._parameters(spec)
        for attempt in range(1 + retries):
            task.attempts = attempt + 1
            folder = self._folder / f"{task.name}_{attempt}"
            outputs = _places(component, folder)
            invocation = {
                "inputs": {
                    "parameterValues": parameters,
                    "artifacts": _listed(task.inputs),
                },
                "outputs": {
                    "artifacts": _listed(outputs),
                    "outputFile": str(folder / "executor_output.json"),
                },
            }
            task.log = folder / "log.txt"
            if self._started(task, container, invocation):
                written = _written(folder / "executor_output.json")
                task.outputs = _updated(outputs, written)
                self._store.add(task, self._run_id)
                task.state = "SUCCEEDED"
                return
        task.state = "FAILED"

    def _started(
        self, task: Task, container: Mapping[str, Any], invocation: dict[str, Any]
    ) -> bool:
        """Runs the driver, if there is one, and the container; whether both ended 0."""
        assert task.log is not None
        task.log.parent.mkdir(parents=True, exist_ok=True)
        if task.name == self._fail_at:
            task.log.write_text("failed by --fail-at\n", encoding="utf-8")
            return False
        driver = container.get("lifecycle", {}).get("preCacheCheck")
        steps = [step for step in (driver, container) if step]
        with task.log.open("ab") as log:
            return all(_start(step, invocation, log) for step in steps)

    def _inputs(self, spec: Mapping[str, Any]) -> Artifacts:
        found: Artifacts = {}
        for key, source in spec.get("inputs", {}).get("artifacts", {}).items():
            made = source["taskOutputArtifact"]
            outputs = self.tasks[made["producerTask"]].outputs
            found[key] = outputs.get(made["outputArtifactKey"], [])
        return found

    def _parameters(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, source in spec.get("inputs", {}).get("parameters", {}).items():
            if "runtimeValue" in source:
                found[name] = self._filled(source["runtimeValue"]["constant"])
            elif "componentInputParameter" in source:
                found[name] = self._given[source["componentInputParameter"]]
        return found

    def _filled(self, constant: Any) -> Any:
        """What the service puts in place of its placeholders."""
        if constant in (run_date.SCHEDULE_TIME, _CREATE_TIME):
            return self._started_at.isoformat(timespec="seconds")
        return constant

    def _executor(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        component = self._spec["components"][spec["componentRef"]["name"]]
        executors = self._spec["deploymentSpec"]["executors"]
        return executors[component["executorLabel"]]

    def _finish(self) -> Task:
        """The exit handler, which gets the final status and may ask for details."""
        [(name, spec)] = [
            (name, task)
            for name, task in self._spec["root"]["dag"]["tasks"].items()
            if name != _GRAPH
        ]
        task = Task(name)
        started = time.monotonic()
        resource = f"projects/1/locations/local/pipelineJobs/{self._run_id}"
        status: dict[str, Any] = {
            "state": "SUCCEEDED" if self.succeeded else "FAILED",
            "error": {},
            "pipelineJobUuid": self._run_id,
            "pipelineJobName": self._run_id,
            "pipelineJobResourceName": resource,
            "pipelineTaskName": _GRAPH,
        }
        if not self.succeeded:
            failed = [t.name for t in self._all() if t.state == "FAILED"]
            message = f"The DAG failed because some tasks failed: {failed}."
            status["error"] = {"code": 9, "message": message}
        parameters = {
            **self._parameters(spec),
            "final_status": json.dumps(status),
        }
        folder = self._folder / f"{name}_0"
        folder.mkdir(parents=True, exist_ok=True)
        task.log = folder / "log.txt"
        invocation = {
            "inputs": {"parameterValues": parameters},
            "outputs": {"outputFile": str(folder / "executor_output.json")},
        }
        container = self._executor(spec)["container"]
        with _details(resource, self._all()) as endpoint, task.log.open("ab") as log:
            good = _start(container, invocation, log, {_ENDPOINT: endpoint})
        task.attempts, task.state = 1, "SUCCEEDED" if good else "FAILED"
        task.seconds, task.ended = time.monotonic() - started, time.time()
        return task


class _Store:
    """The artifacts of all rehearsals in a folder, as Vertex ML Metadata has them."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, task: Task, run_id: str) -> None:
        """Remembers what a task put out."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            for key, artifacts in task.outputs.items():
                for artifact in artifacts:
                    entry = {"run": run_id, "task": task.name, "key": key, **artifact}
                    file.write(json.dumps(entry) + "\n")

    def resolved(self, queries: Mapping[str, Any], inputs: Artifacts) -> Artifacts:
        """The newest artifact that each query finds, or none."""
        return {
            key: self._found(_filled(query["filter"], inputs))
            for key, query in queries.items()
        }

    def _found(self, query: str) -> list[Artifact]:
        if "{{$" in query or not self._file.is_file():
            return []  # it asks for an artifact that an earlier query did not find
        terms = [_TERM.fullmatch(term.strip("() ")) for term in query.split(" AND ")]
        lines = self._file.read_text(encoding="utf-8").splitlines()
        for line in reversed(lines):
            artifact = json.loads(line)
            if all(term and _matches(artifact, term) for term in terms):
                return [{k: artifact[k] for k in ("name", "type", "uri", "metadata")}]
        return []


# What TFX's compiler writes into the queries of its resolvers.
_TERM = re.compile(r'([\w.]+)\s*=\s*"?([^"]*)"?')


def _matches(artifact: Artifact, term: re.Match[str]) -> bool:
    field, value = term[1], term[2]
    if field == "schema_title":
        return artifact["type"]["schemaTitle"] == value
    if field == "state":
        return value == "LIVE"
    if field == "name":
        return artifact["name"] == value
    if field.startswith("metadata."):
        name = field.split(".")[1]
        seen = artifact["metadata"].get(name)
        return seen is not None and (str(seen) == value or _equal(seen, value))
    raise UsageError(f"a resolver asks for '{field}', which a rehearsal cannot answer")


def _equal(seen: Any, value: str) -> bool:
    with contextlib.suppress(ValueError, TypeError):
        return float(seen) == float(value)
    return False


def _filled(query: str, inputs: Artifacts) -> str:
    def value(found: re.Match[str]) -> str:
        artifacts = inputs.get(found[1], [])
        return str(artifacts[0]["metadata"].get(found[2])) if artifacts else found[0]

    pattern = r"\{\{\$\.inputs\.artifacts\['(\w+)'\]\.metadata\['(\w+)'\]\}\}"
    return re.sub(pattern, value, query)


_ATOM = re.compile(
    r"inputs\.artifacts\['([^']+)'\]\.artifacts\[0\]\.metadata\['([^']+)'\]"
    r"\s*(==|<|>)\s*('[^']*'|[-\d.]+)"
)


def holds(condition: str, inputs: Artifacts) -> bool:
    """Whether a trigger's condition is met: the part of CEL that TFX compiles to.

    Args:
      condition: comparisons of metadata, with !, && and ||.
      inputs: of the task; keys may carry TFX's prefix `_NODE.`.

    Raises:
      UsageError: it says more than that.
    """

    def verdict(found: re.Match[str]) -> str:
        artifacts = inputs.get(found[1], [])
        seen = artifacts[0]["metadata"].get(found[2]) if artifacts else None
        wanted: Any = found[4].strip("'") if found[4][0] == "'" else float(found[4])
        if seen is None:
            return "False"
        compared = {"==": seen == wanted, "<": seen < wanted, ">": seen > wanted}
        return str(compared[found[3]])

    text = _ATOM.sub(verdict, condition)
    words = text.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    if not re.fullmatch(r"(True|False|and|or|not|[()\s])+", words):
        raise UsageError(f"a rehearsal cannot decide the condition {condition}")
    return bool(eval(words, {"__builtins__": {}}))  # nothing but the words above


def at_once(available_bytes: int) -> int:
    """How many tasks fit into that memory; one always runs, and shows whether it fits.

    No more than there are cores: each would only take longer.
    """
    return max(1, min(os.cpu_count() or 1, available_bytes // _TASK_BYTES))


def _available_bytes() -> int:
    """What Linux would give to a new process, without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return _TASK_BYTES


def _before(spec: Mapping[str, Any]) -> set[str]:
    artifacts = spec.get("inputs", {}).get("artifacts", {}).values()
    makers = {source["taskOutputArtifact"]["producerTask"] for source in artifacts}
    return makers | set(spec.get("dependentTasks", []))


def _places(component: Mapping[str, Any], folder: Path) -> Artifacts:
    """Where the task's outputs go, each with a name of its own."""
    declared = component.get("outputDefinitions", {}).get("artifacts", {})
    places: Artifacts = {}
    for key, definition in declared.items():
        uri = folder / key
        type_ = _title(definition["artifactType"])
        if type_ in ("tfx.String", "tfx.Integer", "tfx.Float", "tfx.JsonValue"):
            folder.mkdir(parents=True, exist_ok=True)  # a value is a file
        else:
            uri.mkdir(parents=True, exist_ok=True)
        number = hashlib.sha256(str(uri).encode()).hexdigest()[:16]
        name = f"projects/1/locations/local/metadataStores/default/artifacts/{number}"
        places[key] = [
            {
                "name": name,
                "type": {"schemaTitle": type_},
                "uri": str(uri),
                "metadata": dict(definition.get("metadata", {})),
            }
        ]
    return places


def _title(artifact_type: Mapping[str, str]) -> str:
    if "schemaTitle" in artifact_type:
        return artifact_type["schemaTitle"]
    found = re.search(r"^title:\s*(\S+)", artifact_type["instanceSchema"], re.MULTILINE)
    assert found, artifact_type
    return found[1]


def _listed(artifacts: Artifacts) -> dict[str, Any]:
    return {key: {"artifacts": found} for key, found in artifacts.items() if found}


def _written(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    found = json.loads(file.read_text(encoding="utf-8")).get("artifacts", {})
    return {key: value.get("artifacts", []) for key, value in found.items()}


def _updated(places: Artifacts, written: Mapping[str, Any]) -> Artifacts:
    """The outputs, with the metadata that the executor gave them."""
    for key, artifacts in places.items():
        for artifact, news in zip(artifacts, written.get(key, []), strict=False):
            artifact["metadata"] |= news.get("metadata", {})
    return places


def _start(
    step: Mapping[str, Any],
    invocation: Mapping[str, Any],
    log: Any,
    environment: Mapping[str, str] | None = None,
) -> bool:
    """The container's process; `python` is this interpreter."""
    command = [sys.executable if word == "python" else word for word in step["command"]]
    filled = [
        json.dumps(invocation) if word == "{{$}}" else word for word in step["args"]
    ]
    done = subprocess.run(
        [*command, *filled],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TF_USE_LEGACY_KERAS": "0", **(environment or {})},
        check=False,
    )
    return done.returncode == 0


@contextlib.contextmanager
def _details(resource: str, tasks: list[Task]) -> Iterator[str]:
    """The part of Vertex AI that an exit handler asks: this job's task details."""
    import grpc
    from google.cloud.aiplatform_v1.types import pipeline_job, pipeline_service
    from google.protobuf import timestamp_pb2

    def get(request: Any, context: grpc.ServicerContext) -> Any:
        details = [
            pipeline_job.PipelineTaskDetail(
                task_name=task.name,
                state="FAILED" if task.state == "FAILED" else "SUCCEEDED",
                end_time=timestamp_pb2.Timestamp(seconds=int(task.ended)),
            )
            for task in tasks
            if task.state in ("SUCCEEDED", "FAILED")
        ]
        detail = pipeline_job.PipelineJobDetail(task_details=details)
        return pipeline_job.PipelineJob(name=resource, job_detail=detail)

    handler = grpc.unary_unary_rpc_method_handler(
        get,
        request_deserializer=pipeline_service.GetPipelineJobRequest.deserialize,
        response_serializer=pipeline_job.PipelineJob.serialize,
    )
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "google.cloud.aiplatform.v1.PipelineService",
                {"GetPipelineJob": handler},
            )
        ]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
