"""Options and answers that the commands of schedules share."""

from __future__ import annotations

import datetime
import json
from typing import Annotated, Any, Literal

import typer

from pipeline import errors
from pipeline.config import config as config_lib

Name = Annotated[str, typer.Argument(help="The schedule's name or number.")]
Output = Annotated[
    Literal["text", "json"], typer.Option("--output", help="For people or programs.")
]
Zone = Annotated[
    str | None,
    typer.Option(metavar="AREA/CITY", help="An IANA time zone; default UTC."),
]
Start = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="No run before it: 2026-12-01, or with a time."),
]
End = Annotated[
    str | None, typer.Option(metavar="TIME", help="No run after this moment.")
]
MaxRuns = Annotated[
    int | None, typer.Option(metavar="N", help="Completed after so many runs.")
]
MaxConcurrent = Annotated[
    int | None, typer.Option(metavar="N", help="Runs at the same time; default 1.")
]
Queueing = Annotated[
    bool | None,
    typer.Option(
        "--allow-queueing/--no-queueing", help="Queue a run when too many run already."
    ),
]


def say(*lines: str) -> None:
    """To stderr, for people."""
    for line in lines:
        typer.echo(line, err=True)


def preview(
    config: config_lib.Config, wanted: Any, ask_service: bool, started: int = 0
) -> list[str]:
    """The schedule in words, its next runs and warnings.

    Args:
      config: of the vertex platform.
      wanted: a definition.Schedule.
      ask_service: how long runs usually take.
      started: runs that it has started already.
    """
    from pipeline.vertex.schedules import previews

    usual = usual_length(config) if ask_service else None
    return previews.lines(wanted, now(), usual, started)


def usual_length(config: config_lib.Config) -> datetime.timedelta | None:
    """Of the pipeline's runs; whoever may make schedules need not see jobs."""
    from pipeline.gcp import job_history

    try:
        return job_history.usual_length(config)
    except errors.CloudUnavailable:
        raise
    except errors.CloudError as error:
        say(f"note: whether it would overlap itself is not known: {error}")
        return None


def coming(live: Any) -> list[str]:
    """The next runs of a live schedule; none of one that is not active."""
    from pipeline.vertex.schedules import previews, service

    if service.state_of(live) != "active":
        return []
    try:
        wanted = service.as_wanted(live)
    except errors.ConfigError:  # of another hand: the service takes what we do not
        return []
    fires = previews.upcoming(wanted, now(), live.started_run_count)
    return ["next runs", *(f"  {fire}" for fire in fires)]


def now() -> datetime.datetime:
    """The moment, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def print_request(message: Any) -> None:
    """As the service gets it, as JSON."""
    typer.echo(type(message).to_json(message, including_default_value_fields=False))


def print_json(value: Any) -> None:
    """For programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def day(text: str, option: str) -> datetime.date:
    """A day of the command line.

    Raises:
      UsageError: it is none.
    """
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise errors.UsageError(
            f"{option} {text}: expected YYYY-MM-DD, such as 2026-11-01"
        ) from None
