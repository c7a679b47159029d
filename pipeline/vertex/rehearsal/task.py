"""What became of one task, and the attempts that it took."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from pipeline.vertex.job.job import Component, Container
from pipeline.vertex.rehearsal import outputs
from pipeline.vertex.rehearsal.containers import Containers
from pipeline.vertex.rehearsal.outputs import Artifacts, Place


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attempts:
    """A task's container, started until it ends well or its retries are used up."""

    component: Component
    container: Container
    parameters: Mapping[str, object]
    containers: Containers
    place: Place
    """The run's folder; each attempt has one in it."""

    retries: int = 0
    fails: bool = False
    """Whether it ends with 1, whatever it would do."""

    def run(self, task: Task) -> None:
        """Sets the task's state, attempts, log and outputs."""
        for attempt in range(1 + self.retries):
            task.attempts = attempt + 1
            place = self.place / f"{task.name}_{attempt}"
            place.path.mkdir(parents=True, exist_ok=True)
            task.log = place.path / "log.txt"
            made = outputs.places(self.component, place)
            if self._ended_well(task.log, self._invocation(task, made, place)):
                task.outputs = outputs.described(made, place.path)
                task.state = "SUCCEEDED"
                return
        task.state = "FAILED"

    def _invocation(self, task: Task, made: Artifacts, place: Place) -> str:
        """JSON of kfp's ExecutorInput."""
        return json.dumps(
            {
                "inputs": {
                    "parameterValues": self.parameters,
                    "artifacts": outputs.listed(task.inputs),
                },
                "outputs": {
                    "artifacts": outputs.listed(made),
                    "outputFile": (place / outputs.FILE).uri,
                },
            }
        )

    def _ended_well(self, log: Path, invocation: str) -> bool:
        """Runs the driver, if there is one, and then the container."""
        if self.fails:
            log.write_text("failed by --fail-at\n", encoding="utf-8")
            return False
        with log.open("ab") as file:
            return all(
                self.containers.start(step, invocation, file)
                for step in self.container.steps
            )
