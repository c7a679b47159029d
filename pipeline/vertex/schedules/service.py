"""Live schedules: found by name; made, changed, paused and resumed where allowed."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Sequence
from typing import Any

from pipeline import errors
from pipeline.config.config import Config
from pipeline.gcp import schedules
from pipeline.vertex.schedules import cron, messages
from pipeline.vertex.schedules.definition import Schedule, of_options

_HOLD = datetime.timedelta(minutes=10)
"""Time for a pause to arrive, and for a person to repeat one that did not."""


def listed(config: Config) -> list[Any]:
    """All that start pipeline jobs in the region, by name; of any pipeline.

    Raises:
      CloudError: the service said no.
    """
    found = schedules.listed(config)
    return sorted(found, key=lambda each: (each.display_name, each.name))


def found(config: Config, name: str) -> Any:
    """The schedule of that name, or with that number or resource name.

    Raises:
      UsageError: there is none (with close names), or more than one.
      CloudError: the service said no.
    """
    known = listed(config)
    same = [each for each in known if name in (each.display_name, each.name)]
    same = same or [each for each in known if number_of(each) == name]
    if len(same) > 1:
        raise errors.UsageError(
            f"{len(same)} schedules are named '{name}'; say which by its number: "
            + ", ".join(map(number_of, same))
        )
    if not same:
        raise errors.UsageError(_nothing(name, [each.display_name for each in known]))
    return same[0]


def create(config: Config, schedule: Any) -> Any:
    """Makes it.

    Args:
      config: of the vertex platform.
      schedule: of messages.message.

    Raises:
      UsageError: there is one of that name.
      CloudError: the service said no.
    """
    require_new(config, schedule.display_name)
    return schedules.create(config, schedule)


def create_paused(config: Config, schedule: Any, now: datetime.datetime) -> Any:
    """Makes it without a run: the service makes active ones, and pausing comes later.

    So it is made with a start some minutes ahead, paused, and only then gets the start
    that was asked for. Without one it keeps its own, which is over when it is resumed.

    Args:
      config: of the vertex platform.
      schedule: of messages.message.
      now: the moment.

    Raises:
      UsageError: there is one of that name.
      CloudError: the service said no; when that was to the pause, it says what to do.
    """
    held = messages.held_until(schedule, now + _HOLD)
    live = create(config, held)
    try:
        schedules.pause(config, live)
    except errors.CloudError as error:
        name = schedule.display_name
        raise type(error)(
            f"{error}. {name} is there and active, and starts nothing before "
            f"{held.start_time:%Y-%m-%d %H:%M} UTC: `python vertex_runner.py schedule "
            f"pause {name}` before then"
        ) from None
    update(config, live, schedule)
    return live


def require_new(config: Config, name: str) -> None:
    """Looks whether the name is free; the service itself takes any number of one.

    Raises:
      UsageError: there is one of that name.
      CloudError: the service said no.
    """
    same = [each for each in listed(config) if each.display_name == name]
    if same:
        raise errors.UsageError(
            f"there is a schedule named '{name}' ({number_of(same[0])}, "
            f"{state_of(same[0])}). To change it: "
            f"python vertex_runner.py schedule update {name}"
        )


def update(config: Config, live: Any, wanted: Any) -> list[messages.Change]:
    """Brings a live one to what is wanted, in place; returns what was changed.

    Args:
      config: of the vertex platform.
      live: as the service gave it.
      wanted: of messages.message.

    Raises:
      UsageError: a field that the service lets nobody unset; or it is completed.
      CloudError: the service said no.
    """
    changes = messages.changes(live, wanted)
    require_possible(live, changes)
    if not changes:
        return []
    # What was applied last stands in the job's labels, so the job always goes along.
    paths = {change.path for change in changes} | {"create_pipeline_job_request"}
    wanted.name = live.name
    schedules.update(config, wanted, paths)
    return changes


def require_possible(live: Any, changes: Sequence[messages.Change]) -> None:
    """Whether the service would make these changes.

    Raises:
      UsageError: what it never does, and what to do instead.
    """
    name = live.display_name
    again = f"Delete it and make it again: schedule delete {name}"
    if changes and state_of(live) == "completed":
        raise errors.UsageError(
            f"{name} is completed, and Vertex changes no such schedule. {again}"
        )
    stuck = [change.field for change in changes if not change.is_possible]
    if stuck:
        raise errors.UsageError(
            f"{name}: Vertex cannot take away {', '.join(stuck)} of a schedule that "
            f"has it. Give another value, or: {again}"
        )


def pause(config: Config, live: Any) -> None:
    """No new runs; those under way go on.

    Raises:
      UsageError: it is not active.
      CloudError: the service said no.
    """
    _require_state(live, "active", "pause")
    schedules.pause(config, live)


def resume(config: Config, live: Any, catch_up: bool) -> None:
    """Runs again from the next time on; with `catch_up` what was missed runs first.

    Raises:
      UsageError: it is not paused.
      CloudError: the service said no.
    """
    _require_state(live, "paused", "resume")
    schedules.resume(config, live, catch_up)


def as_wanted(live: Any) -> Schedule:
    """What a live one says, as a person would have wanted it.

    Raises:
      ConfigError: it has a name or a cron that Millrace does not make.
    """
    when = cron.checked(live.cron)
    return of_options(
        {
            "name": live.display_name,
            "timezone": when.zone,
            "cron": when.expression,
            "start": live.start_time if live.start_time != live.create_time else None,
            "end": live.end_time,
            "max_runs": live.max_run_count or None,
            "max_concurrent": messages.at_once(live) or live.max_concurrent_run_count,
            "allow_queueing": live.allow_queueing,
            "paused": state_of(live) == "paused",
            "parameters": dict(
                messages.template_of(live).runtime_config.parameter_values
            ),
        }
    )


def number_of(live: Any) -> str:
    """The last part of its resource name."""
    return live.name.rpartition("/")[2]


def state_of(live: Any) -> str:
    """active, paused or completed."""
    return live.state.name.lower()


def _require_state(live: Any, wanted: str, verb: str) -> None:
    if state_of(live) != wanted:
        raise errors.UsageError(
            f"{live.display_name} is {state_of(live)}: only {wanted} schedules can be "
            f"{verb}d"
        )


def _nothing(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else ""
    names = f"Known: {', '.join(sorted(known)) or 'none'}"
    return f"there is no schedule '{name}'. {hint or names}"
