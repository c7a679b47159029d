"""schedule: runs on Vertex AI at set times."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline import errors, quiet
from pipeline.commands import asking, options, schedule_plans
from pipeline.commands.options import DryRequest, Files, Parameters, Sets, Yes
from pipeline.commands.schedule_options import (
    End,
    MaxConcurrent,
    MaxRuns,
    Name,
    Output,
    Queueing,
    Start,
    Zone,
    coming,
    preview,
    print_json,
    print_request,
    say,
)
from pipeline.config import config as config_lib
from pipeline.vertex.job import admission, parameters


def schedule_app() -> typer.Typer:
    """`schedule create`, `list`, `show`, `pause`, `resume`, `update`, `delete`..."""
    app = typer.Typer(
        help="Runs on Vertex AI at set times; docs/schedules.md.",
        no_args_is_help=True,
    )
    app.command("create")(create)
    app.command("list")(list_)
    app.command("show")(show)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("update")(update)
    app.command("delete")(delete)
    app.command("backfill")(schedule_plans.backfill)
    app.command("plan")(schedule_plans.plan)
    app.command("apply")(schedule_plans.apply)
    return app


def create(
    name: Annotated[str, typer.Option(help="Lower case, digits and dashes.")],
    cron: Annotated[
        str, typer.Option(metavar="CRON", help="Five fields: '30 4 * * *' is 04:30.")
    ],
    timezone: Zone = None,
    start: Start = None,
    end: End = None,
    max_runs: MaxRuns = None,
    max_concurrent: MaxConcurrent = None,
    allow_queueing: Queueing = None,
    parameter: Parameters = None,
    dry_run: DryRequest = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Make a schedule; shows its next runs and asks first."""
    from pipeline.vertex.schedules import definition

    wanted = definition.of_options(
        {
            "name": name,
            "cron": cron,
            "timezone": timezone,
            "start": start,
            "end": end,
            "max_runs": max_runs,
            "max_concurrent": max_concurrent,
            "allow_queueing": allow_queueing,
            "parameters": _pairs(parameter),
        }
    )
    loaded = options.on_vertex(config, set_)
    from pipeline.vertex.schedules import messages, service

    admission.require(loaded, wanted.texts)
    if not dry_run:
        service.require_new(loaded, name)
    say(*preview(loaded, wanted, ask_service=not dry_run))
    with quiet.imports():
        from pipeline.vertex.job import (
            compile as vertex,  # takes ten seconds; mistakes answer at once
        )

    message = messages.message(loaded, vertex.compile_job(loaded), wanted)
    if dry_run:
        print_request(message)
        return
    asking.require(f"Create the schedule {name}?", yes)
    live = service.create(loaded, message)
    typer.echo(f"{name}: created, number {service.number_of(live)}")


def list_(
    output: Output = "text",
    everything: Annotated[
        bool, typer.Option("--all", help="Those of every pipeline in the region.")
    ] = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """List the schedules of this pipeline."""
    from pipeline.vertex.schedules import messages, service, views

    loaded = options.on_vertex(config, set_)
    known = [
        each
        for each in service.listed(loaded)
        if everything or messages.belongs_to(each, loaded.pipeline_name)
    ]
    if output == "json":
        print_json([views.facts(each) for each in known])
    elif known:
        from rich.console import Console

        Console().print(views.table(known))
    else:
        say("there are none; schedule create makes one, --all shows other pipelines'")


def show(
    name: Name, output: Output = "text", config: Files = None, set_: Sets = None
) -> None:
    """Show one: its state, next runs, parameters, and what was changed by hand."""
    from pipeline.vertex.schedules import service, views

    live = service.found(options.on_vertex(config, set_), name)
    if output == "json":
        print_json(views.facts(live))
        return
    for line in [*views.lines(live), *coming(live)]:
        typer.echo(line)


def pause(name: Name, config: Files = None, set_: Sets = None) -> None:
    """Start no new runs; those under way go on."""
    from pipeline.vertex.schedules import service

    loaded = options.on_vertex(config, set_)
    service.pause(loaded, service.found(loaded, name))
    typer.echo(f"{name}: paused; schedule resume {name} goes on")


def resume(
    name: Name,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="First run what the pause missed.")
    ] = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Run again, from the next time on."""
    from pipeline.vertex.schedules import service

    loaded = options.on_vertex(config, set_)
    service.resume(loaded, service.found(loaded, name), catch_up)
    missed = "what was missed runs first" if catch_up else "what was missed is left out"
    typer.echo(f"{name}: active; {missed}")


def update(
    name: Name,
    cron: Annotated[
        str | None, typer.Option(metavar="CRON", help="A new cron expression.")
    ] = None,
    timezone: Zone = None,
    start: Start = None,
    end: End = None,
    max_runs: MaxRuns = None,
    max_concurrent: MaxConcurrent = None,
    allow_queueing: Queueing = None,
    parameter: Parameters = None,
    template: Annotated[
        bool,
        typer.Option(
            "--template", help="Also the job: image, code, service account, labels."
        ),
    ] = False,
    dry_run: DryRequest = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Change what is said here and nothing else; it stays the same schedule."""
    from pipeline.vertex.schedules import messages, service

    loaded = options.on_vertex(config, set_)
    live = service.found(loaded, name)
    wanted = service.as_wanted(live).with_options(
        {
            "cron": cron,
            "timezone": timezone,
            "start": start,
            "end": end,
            "max_runs": max_runs,
            "max_concurrent": max_concurrent,
            "allow_queueing": allow_queueing,
            "parameters": _pairs(parameter),
        }
    )
    if template:
        admission.require(loaded, wanted.texts)
    job = _job(loaded, live, template)
    message = messages.message(loaded, job, wanted)
    changes = messages.changes(live, message)
    service.require_possible(live, changes)
    if not changes:
        say(f"{name}: is as asked already; nothing to change")
        return
    say(*(f"{name}: {change}" for change in changes))
    say(*preview(loaded, wanted, not dry_run, live.started_run_count))
    say("runs that were due and have not started are left out by an update")
    if dry_run:
        print_request(message)
        return
    asking.require(f"Update the schedule {name}?", yes)
    service.update(loaded, live, message)
    typer.echo(f"{name}: updated: {', '.join(change.field for change in changes)}")


def delete(
    name: Name, yes: Yes = False, config: Files = None, set_: Sets = None
) -> None:
    """Take a schedule away; the runs that it started stay."""
    from pipeline.gcp import schedules
    from pipeline.vertex.schedules import service

    loaded = options.on_vertex(config, set_)
    live = service.found(loaded, name)
    state, runs = service.state_of(live), live.started_run_count
    say(f"{live.display_name}: {state}, has started {runs} runs; they stay")
    asking.require(f"Delete the schedule {live.display_name}?", yes)
    schedules.delete(loaded, live)
    typer.echo(f"{live.display_name}: deleted")


def _pairs(texts: list[str] | None) -> dict[str, str] | None:
    return parameters.pairs(texts) if texts else None


def _job(loaded: config_lib.Config, live: Any, template: bool) -> Any:
    """What the configuration compiles to now, or what the schedule has."""
    from pipeline.vertex.schedules import messages

    if template:
        with quiet.imports():
            from pipeline.vertex.job import compile as vertex

        return vertex.compile_job(loaded)
    if not messages.belongs_to(live, loaded.pipeline_name):
        raise errors.UsageError(
            f"{live.display_name} was not made for this pipeline "
            f"({loaded.pipeline_name}); --template gives it this pipeline's job"
        )
    return messages.job_of(live)
