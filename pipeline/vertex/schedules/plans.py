"""What must happen so that the project's schedules are those of the file."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pipeline.config.config import Config
from pipeline.errors import UsageError
from pipeline.gcp import schedules
from pipeline.vertex.job import admission, parameters
from pipeline.vertex.job.job import Job
from pipeline.vertex.schedules import messages, service
from pipeline.vertex.schedules.definition import Schedule

Action = Literal["create", "update", "pause", "resume", "orphan", "blocked"]
_CREATE: tuple[Action, ...] = ("create",)
_CREATE_PAUSED: tuple[Action, ...] = ("create", "pause")


@dataclasses.dataclass(frozen=True)
class Step:
    """What happens to one schedule; without actions, nothing."""

    name: str
    actions: tuple[Action, ...] = ()
    wanted: Schedule | None = None
    message: Any = None
    live: Any = None
    changes: tuple[messages.Change, ...] = ()
    why: str = ""
    """Why it is blocked, or an orphan."""

    @property
    def started(self) -> int:
        """Runs that it has started."""
        return self.live.started_run_count if self.live else 0

    @property
    def is_over(self) -> bool:
        """Whether it is completed, and has no next run."""
        return bool(self.live) and service.state_of(self.live) == "completed"


def plan(
    config: Config,
    job: Job,
    wanted: Sequence[Schedule],
    live: Sequence[Any],
) -> list[Step]:
    """A step for each schedule of the file, then the orphans; nothing is sent.

    Args:
      config: of the vertex platform.
      job: of vertex.job.compile.compile_job.
      wanted: of the file.
      live: of the region, as the service gave them.

    Raises:
      UsageError: a parameter that the job has not, of any schedule.
    """
    made = _messages(config, job, wanted)
    steps = [
        _step(config.pipeline_name, each, message, live)
        for each, message in zip(wanted, made, strict=True)
    ]
    names = {each.name for each in wanted}
    orphans = [
        each
        for each in live
        if messages.belongs_to(each, config.pipeline_name)
        and messages.name_of(each) not in names
    ]
    return [*steps, *map(_orphan, orphans)]


def apply(config: Config, step: Step, now: datetime.datetime) -> None:
    """Does it; an orphan is deleted.

    Args:
      config: of the vertex platform.
      step: of plan.
      now: the moment.

    Raises:
      UsageError: it is blocked.
      CloudError: the service said no; asked again, it goes on where it stopped.
    """
    live = step.live
    if step.actions == _CREATE_PAUSED:
        service.create_paused(config, step.message, now)
        return
    for action in step.actions:
        if action == "create":
            service.create(config, step.message)
        elif action == "update":
            service.update(config, live, step.message)
        elif action == "pause":
            service.pause(config, live)
        elif action == "resume":
            assert step.wanted
            service.resume(config, live, step.wanted.catch_up)
        elif action == "orphan":
            schedules.delete(config, live)
        else:
            raise UsageError(f"{step.name}: {step.why}")


def done(step: Step) -> str:
    """What was done, in a word each."""
    words = {"orphan": "deleted"}
    past = [words.get(action, action.rstrip("e") + "ed") for action in step.actions]
    return " and ".join(past)


def require_admitted(config: Config, wanted: Sequence[Schedule]) -> None:
    """Looks, before anything is compiled, whether there may be such a job.

    Raises:
      ConfigError: it could not reach a path.
      UsageError: names every schedule that has a parameter of another kind.
    """
    admission.require(config)
    _of_each(wanted, lambda each: parameters.require(config, each.texts))


def _messages(config: Config, job: Job, wanted: Sequence[Schedule]) -> list[Any]:
    return _of_each(wanted, lambda each: messages.message(config, job, each))


def _of_each(wanted: Sequence[Schedule], ask: Callable[[Schedule], Any]) -> list[Any]:
    made, problems = [], []
    for each in wanted:
        try:
            made.append(ask(each))
        except UsageError as error:
            problems.append(f"{each.name}: {error}")
    if problems:
        raise UsageError("\n".join(problems))
    return made


def _step(pipeline: str, wanted: Schedule, message: Any, live: Sequence[Any]) -> Step:
    ours = [
        each
        for each in live
        if messages.belongs_to(each, pipeline) and messages.name_of(each) == wanted.name
    ]
    others = [each for each in live if each.display_name == wanted.name]
    if len(ours) > 1:
        numbers = ", ".join(map(service.number_of, ours))
        why = f"there are {len(ours)} of it: {numbers}. Delete all but one"
        return Step(wanted.name, ("blocked",), wanted, why=why)
    if not ours and others:
        why = (
            f"schedule {service.number_of(others[0])} has that name and is not of "
            f"this pipeline ({pipeline}). Take another name, or delete it"
        )
        return Step(wanted.name, ("blocked",), wanted, live=others[0], why=why)
    if not ours:
        actions = _CREATE_PAUSED if wanted.paused else _CREATE
        return Step(wanted.name, actions, wanted, message)
    return _on_live(wanted, message, ours[0])


def _on_live(wanted: Schedule, message: Any, live: Any) -> Step:
    changes = tuple(messages.changes(live, message))
    try:
        service.require_possible(live, changes)
    except UsageError as error:
        why = str(error)
        return Step(wanted.name, ("blocked",), wanted, message, live, changes, why)
    actions: tuple[Action, ...] = ("update",) if changes else ()
    state = service.state_of(live)
    if wanted.paused and state == "active":
        actions = (*actions, "pause")
    if not wanted.paused and state == "paused":
        actions = (*actions, "resume")
    return Step(wanted.name, actions, wanted, message, live, changes)


def _orphan(live: Any) -> Step:
    state, number = service.state_of(live), service.number_of(live)
    why = f"{number}, {state}: of this pipeline, and not in the file"
    return Step(live.display_name, ("orphan",), live=live, why=why)
