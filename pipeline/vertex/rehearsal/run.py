"""Which task runs when, and the exit handler, whatever happened."""

from __future__ import annotations

import concurrent.futures
import datetime
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.vertex.job.job import Job, JobTask
from pipeline.vertex.rehearsal import conditions, service, spec
from pipeline.vertex.rehearsal.containers import Containers, at_once, available_bytes
from pipeline.vertex.rehearsal.store import Store
from pipeline.vertex.rehearsal.task import Attempts, Task

_DONE = ("SUCCEEDED", "NOT_TRIGGERED")


class Rehearsal:
    """One run of a compiled job.

    Args of the constructor:
      job: as compiled; this machine can reach its output directory.
      run_id: of the job.
      parameters: name -> text, given at submission.
      containers: that run its tasks.
      fail_at: a task whose container ends with 1, whatever it would do.
      tell: called with each task that ended.
      at: the time that it is created and scheduled for; default: now.
    """

    def __init__(
        self,
        job: Job,
        run_id: str,
        parameters: Mapping[str, str],
        containers: Containers,
        fail_at: str | None = None,
        tell: Callable[[Task], None] = lambda task: None,
        at: datetime.datetime | None = None,
    ) -> None:
        started_at = at or datetime.datetime.now(datetime.UTC)
        self._spec = spec.Spec(job, parameters, started_at)
        self._run_id, self._fail_at, self._tell = run_id, fail_at, tell
        self._containers, root = containers, self._spec.root
        self._place = root / "1" / run_id
        self._store = Store((root / "rehearsal.jsonl").path)
        if fail_at is not None and fail_at not in self._spec.tasks:
            known = ", ".join(self._spec.tasks)
            raise UsageError(f"--fail-at {fail_at}: no such task. Known: {known}")
        self.tasks = {name: Task(name) for name in self._spec.tasks}

    @property
    def folder(self) -> Path:
        """Where this machine has what the run leaves."""
        return self._place.path

    @property
    def succeeded(self) -> bool:
        """Whether no task failed."""
        return all(task.state in _DONE for task in self.tasks.values())

    def run(self) -> list[Task]:
        """All tasks, then the exit handler; the last of the list is the handler."""
        with service.running(lambda: [*self.tasks.values()]) as found:
            self._containers = self._containers.with_environment(found)
            self._run_tasks()
            handler = self._run_handler()
        return [*self.tasks.values(), handler]

    def _run_tasks(self) -> None:
        """Each as soon as what it needs is there, as many at once as fit."""
        fit = at_once(available_bytes())
        with concurrent.futures.ThreadPoolExecutor(fit) as pool:
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

    def _ready(self, running: set[str]) -> list[str]:
        return [
            name
            for name, task in self.tasks.items()
            if task.state == "PENDING"
            and name not in running
            and all(
                self.tasks[before].state in _DONE
                for before in self._spec.tasks[name].before
            )
        ]

    def _run_task(self, name: str) -> None:
        task, declared = self.tasks[name], self._spec.tasks[name]
        started = time.monotonic()
        task.inputs = {
            key: self.tasks[maker].outputs.get(made_as, [])
            for key, (maker, made_as) in declared.sources.items()
        }
        queries = declared.queries
        if declared.condition and not conditions.holds(declared.condition, task.inputs):
            task.state = "NOT_TRIGGERED"
        elif queries is not None:
            task.outputs = self._store.resolved(queries, task.inputs)
            task.state = "SUCCEEDED"
        else:
            self._attempts(declared, self._spec.parameters(declared)).run(task)
            self._store.add(self._run_id, name, task.outputs)
        task.seconds, task.ended = time.monotonic() - started, time.time()

    def _run_handler(self) -> Task:
        """Runs the exit handler, which gets the final status and may ask for more."""
        declared = self._spec.handler
        task = Task(declared.name)
        started = time.monotonic()
        failed = [each.name for each in self.tasks.values() if each.state == "FAILED"]
        resource = f"projects/1/locations/local/pipelineJobs/{self._run_id}"
        status = spec.final_status(self._run_id, resource, failed)
        parameters = {
            **self._spec.parameters(declared),
            "final_status": json.dumps(status),
        }
        self._attempts(declared, parameters).run(task)
        task.seconds, task.ended = time.monotonic() - started, time.time()
        self._tell(task)
        return task

    def _attempts(
        self, declared: JobTask, parameters: Mapping[str, object]
    ) -> Attempts:
        assert declared.container, f"{declared.name} starts no container"
        return Attempts(
            component=declared.component,
            container=declared.container,
            parameters=parameters,
            containers=self._containers,
            place=self._place,
            retries=declared.retries,
            fails=declared.name == self._fail_at,
        )
