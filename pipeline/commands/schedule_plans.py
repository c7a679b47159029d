"""schedule plan, apply and backfill: what should be there, and is not yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import errors, quiet
from pipeline.commands import asking, options, schedule_options
from pipeline.commands.options import DryRequest, Files, Sets, Yes
from pipeline.commands.schedule_options import Output
from pipeline.config import config as config_lib
from pipeline.interrupts import Interrupts

File = Annotated[Path, typer.Argument(metavar="FILE", help="configs/schedules.yaml.")]


def plan(
    file: File, output: Output = "text", config: Files = None, set_: Sets = None
) -> None:
    """Show what apply would do: create, update, pause, orphans, drift, next runs."""
    loaded = options.on_vertex(config, set_)
    steps = _steps(loaded, file)
    if output == "json":
        schedule_options.print_json(_facts(loaded, steps))
        return
    for line in _shown(loaded, steps):
        typer.echo(line)
    typer.echo(_summary(steps))


def apply(
    file: File,
    delete_orphans: Annotated[
        bool,
        typer.Option("--delete-orphans", help="With --yes: orphans, too."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="The same as schedule plan.")
    ] = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Bring the project's schedules to what the file says; shows the plan and asks."""
    loaded = options.on_vertex(config, set_)
    steps = _steps(loaded, file)
    schedule_options.say(*_shown(loaded, steps), _summary(steps))
    if dry_run:
        return
    blocked = [step for step in steps if "blocked" in step.actions]
    if blocked:
        whys = "".join(f"\n  {step.name}: {step.why}" for step in blocked)
        raise errors.UsageError(f"nothing was done:{whys}")
    orphans = [step for step in steps if "orphan" in step.actions]
    todo = [step for step in steps if step.actions and step not in orphans]
    if todo:
        asking.require(f"Apply {_counted(todo)}?", yes)
        _apply(loaded, todo)
    if orphans and yes and not delete_orphans:
        for step in orphans:
            say = f"{step.name}: an orphan, left; --delete-orphans deletes it"
            schedule_options.say(say)
        return
    _delete_orphans(loaded, orphans, yes)


def _delete_orphans(loaded: config_lib.Config, orphans: list[Any], yes: bool) -> None:
    """Asks about each, for each is somebody's schedule."""
    kept = []
    for step in orphans:
        if asking.agreed(f"Delete the orphan {step.name}?", yes):
            _apply(loaded, [step])
        else:
            kept.append(step.name)
    if kept:
        raise errors.Declined(f"{', '.join(kept)}: stays: the answer was no")


def backfill(
    schedule: Annotated[str, typer.Option(help="The schedule's name or number.")],
    from_: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First day: 2026-11-01.")
    ],
    to: Annotated[str, typer.Option(metavar="DATE", help="Last day, included.")],
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Also days whose jobs failed."),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait", help="No more at once than the schedule allows."
        ),
    ] = True,
    dry_run: DryRequest = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Submit a job for each day on which the schedule fires and has none."""
    from pipeline.vertex.schedules import backfill as backfill_lib
    from pipeline.vertex.schedules import messages, service

    loaded = options.on_vertex(config, set_)
    first, last = (
        schedule_options.day(from_, "--from"),
        schedule_options.day(to, "--to"),
    )
    if last < first:
        raise errors.UsageError(f"--to {last} is before --from {first}")
    live = service.found(loaded, schedule)
    if not messages.belongs_to(live, loaded.pipeline_name):
        raise errors.UsageError(
            f"{schedule} was not made for this pipeline ({loaded.pipeline_name})"
        )
    days = backfill_lib.days(loaded, live, first, last, schedule_options.now())
    missing = [day for day in days if day.is_missing(retry_failed)]
    schedule_options.say(*map(str, days))
    if not missing:
        schedule_options.say("nothing to submit")
        return
    if dry_run:
        for day in missing:
            schedule_options.print_request(
                backfill_lib.create_request(loaded, live, day)
            )
        return
    asking.require(f"Submit {_jobs(len(missing))}?", yes)
    _submit(loaded, live, missing, wait)


def _submit(
    loaded: config_lib.Config, live: Any, missing: list[Any], wait: bool
) -> None:
    from pipeline.vertex.schedules import backfill as backfill_lib
    from pipeline.vertex.schedules import messages

    at_once = messages.at_once(live) if wait else None
    try:
        with Interrupts() as interrupts, interrupts.allowed():
            backfill_lib.submit(loaded, live, missing, at_once, typer.echo)
    except KeyboardInterrupt:
        schedule_options.say(
            "stopped; what was submitted goes on. The same again does the rest"
        )
        raise typer.Exit(130) from None


def _steps(loaded: config_lib.Config, file: Path) -> list[Any]:
    from pipeline.vertex.schedules import definition

    wanted = definition.read(file)
    from pipeline.vertex.schedules import plans, service

    with quiet.imports():
        from pipeline.vertex.job import compile as vertex

    plans.require_admitted(loaded, wanted)
    known = service.listed(loaded)
    return plans.plan(loaded, vertex.compile_job(loaded), wanted, known)


def _shown(loaded: config_lib.Config, steps: list[Any]) -> list[str]:
    from pipeline.vertex.schedules import views

    usual = schedule_options.usual_length(loaded)
    return [
        line for step in steps for line in views.step_lines(step, _preview(step, usual))
    ]


def _facts(loaded: config_lib.Config, steps: list[Any]) -> list[dict[str, object]]:
    from pipeline.vertex.schedules import views

    usual = schedule_options.usual_length(loaded)
    return [views.step_facts(step, _preview(step, usual)) for step in steps]


def _preview(step: Any, usual: Any) -> list[str]:
    from pipeline.vertex.schedules import previews

    if not step.wanted or step.is_over:
        return []
    shown = previews.lines(step.wanted, schedule_options.now(), usual, step.started)
    return ["paused; when it is resumed:", *shown] if step.wanted.paused else shown


def _apply(loaded: config_lib.Config, steps: list[Any]) -> None:
    from pipeline.vertex.schedules import plans

    for step in steps:
        plans.apply(loaded, step, schedule_options.now())
        typer.echo(f"{step.name}: {plans.done(step)}")


def _summary(steps: list[Any]) -> str:
    todo = [step for step in steps if step.actions]
    return f"plan: {_counted(todo)}" if todo else "plan: nothing to do"


def _counted(steps: list[Any]) -> str:
    actions = [action for step in steps for action in step.actions]
    names = dict.fromkeys(actions)
    return ", ".join(f"{actions.count(name)} to {_verb(name)}" for name in names)


def _verb(action: str) -> str:
    return {"orphan": "delete", "blocked": "solve first"}.get(action, action)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
