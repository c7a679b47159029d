"""submit, status, logs, cancel, list, delete: one run on Vertex AI."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from pipeline import errors
from pipeline.commands import check
from pipeline.commands.options import Files, Parameters, Sets, Trigger
from pipeline.config import config as config_lib
from pipeline.gcp import job_history, jobs, location
from pipeline.interrupts import Interrupts
from pipeline.platforms import settings
from pipeline.vertex.runs import following, spending, spending_view

Run = Annotated[str, typer.Argument(metavar="RUN", help="As `list` shows it.")]
RunId = Annotated[
    str | None,
    typer.Option("--run-id", help="The run's id; default: the pipeline and the time."),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for its end; exit with its code.")
]
Every = Annotated[
    float,
    typer.Option("--every", metavar="SECONDS", min=0, help="Between two checks."),
]
_INTERRUPTED = 130


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the command line for Vertex."""
    for name, command in (
        ("submit", submit),
        ("status", status),
        ("logs", logs),
        ("cancel", cancel),
        ("list", list_),
        ("delete", delete),
    ):
        app.command(name)(command)


def submit(
    config: Files = None,
    set_: Sets = None,
    parameter: Parameters = None,
    job: Annotated[
        Path | None,
        typer.Option("--job", metavar="FILE.json", help="A file that compile wrote."),
    ] = None,
    run_id: RunId = None,
    wait: Wait = False,
    every: Every = following.EVERY_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the request, send nothing.")
    ] = False,
    accept_edited: Annotated[
        bool, typer.Option("--accept-edited", help="Take a --job changed by hand.")
    ] = False,
    trigger: Trigger = "hand",
) -> None:
    """Start the pipeline on Vertex AI, after the checks of `check`."""
    loaded = _load(config, set_)
    given = tuple(parameter or ())
    if not dry_run:
        check.require(loaded, given)
    from pipeline.vertex.runs import submission

    message = submission.message(loaded, job, given, accept_edited, trigger)
    now = datetime.datetime.now(datetime.UTC)
    run = run_id or jobs.new_id(loaded.pipeline_name, now)
    if dry_run:
        typer.echo(submission.shown(loaded, message, run))
        return
    start(loaded, message, run, wait, every)


def start(
    config: config_lib.Config, message: Any, run: str, wait: bool, every: float
) -> None:
    """Sends the request, tells where the run is, and ends as it does, if asked to."""
    from pipeline.gcp.experiments import log

    console = _console()
    started = jobs.create(config, message, run, tell=_teller(console))
    given = dict(message.runtime_config.parameter_values)
    params = settings.experiment_params(config, given)
    why = log.join(settings.experiment(config), run, params)
    if why:
        _hint(console, f"the run is not in its experiment yet: {why}")
    typer.echo(run)
    _hint(console, f"started: {_link(started)}")
    if wait:
        raise typer.Exit(_follow(config, run, every, console))
    _hint(console, f"follow:  python vertex_runner.py status {run} --wait")


def status(
    run: Run,
    wait: Wait = False,
    every: Every = following.EVERY_S,
    output: Annotated[str, typer.Option(help="table or json.")] = "table",
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Show the run's tasks, their time and cost; ends with the run's exit code."""
    _require_form(output)
    loaded = _load(config, set_)
    if wait:
        code = _follow(loaded, run, every, _console())
        if output == "table" or code == _INTERRUPTED:
            raise typer.Exit(code)
    found = jobs.get(loaded, run)
    now = datetime.datetime.now(datetime.UTC)
    bill = spending.of_job(found, location.vertex_of(loaded), now)
    before = _before(loaded, found, now)
    if output == "json":
        raise typer.Exit(_print_json(loaded, found, bill, before))
    Console().print(spending_view.table(bill))
    console = Console(soft_wrap=True)
    if before:
        console.print(escape(spending_view.compared(bill, before)), highlight=False)
    if bill.no_amount:
        _hint(_console(), f"no cost: {bill.no_amount}")
    raise typer.Exit(_report(loaded, found, console))


def logs(run: Run, config: Files = None, set_: Sets = None) -> None:
    """Print where the run's logs are: the console, and a query for gcloud."""
    from pipeline.vertex.runs import log_queries

    found = jobs.get(_load(config, set_), run)
    typer.echo(_link(found))
    for query in log_queries.of_job(found):
        typer.echo(query)


def cancel(run: Run, config: Files = None, set_: Sets = None) -> None:
    """Stop the run: what runs is ended, nothing more starts."""
    jobs.cancel(_load(config, set_), run)
    typer.echo(f"{run}: asked to stop; `status {run} --wait` sees it end")


def list_(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Such as RUNNING or FAILED."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1)] = 20,
    every: Annotated[
        bool, typer.Option("--all", help="Those of other pipelines, too.")
    ] = False,
    output: Annotated[str, typer.Option(help="table or json.")] = "table",
    config: Files = None,
    set_: Sets = None,
) -> None:
    """List this pipeline's runs, newest first."""
    wanted = _states(state or ())
    _require_form(output)
    from pipeline.vertex.runs import listing

    found = jobs.newest(_load(config, set_), wanted, limit, every)
    if output == "json":
        typer.echo(json.dumps(listing.rows(found), indent=2))
    elif found:
        Console().print(listing.table(found))
    else:
        _hint(_console(), "no runs")


def delete(
    run: Run,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Remove the run from Vertex's list; what its tasks wrote stays."""
    loaded = _load(config, set_)
    found = jobs.get(loaded, run)
    created = f"{found.create_time:%Y-%m-%d %H:%M} UTC"
    words = f"{run}: {jobs.state_of(found).lower()}, created {created}"
    if not yes and not typer.confirm(f"{words}. Delete it?", err=True):
        raise errors.Declined("nothing was done: the answer was no")
    jobs.delete(loaded, found)
    typer.echo(f"{run}: deleted")


def _before(
    config: config_lib.Config, job: Any, now: datetime.datetime
) -> spending.Bill | None:
    """What the run before took; a run is shown without it, too."""
    try:
        name = job_history.before(config, job)
        earlier = jobs.get(config, name) if name else None
    except (errors.CloudError, errors.UsageError) as error:
        _hint(_console(), f"the run before is not compared with: {error}")
        return None
    return earlier and spending.of_job(earlier, location.vertex_of(config), now)


def _print_json(
    config: config_lib.Config, job: Any, bill: spending.Bill, before: Any
) -> int:
    """The run as JSON; returns the exit code, 0 for a job that still runs."""
    from pipeline.vertex.runs import ending, listing

    end = ending.of_job(config, job) if jobs.state_of(job) in jobs.ENDED else None
    [row] = listing.rows([job])
    value = {
        "schema": spending_view.SCHEMA,
        **row,
        "outcome": end.outcome.name if end else None,
        "node": end.node if end else None,
        "reasons": list(end.reasons) if end else [],
        **spending_view.to_dict(bill),
        "before": spending_view.to_dict(before) if before else None,
    }
    typer.echo(json.dumps(value, indent=2))
    return ending.exit_code(config, end.outcome) if end else 0


def _require_form(output: str) -> None:
    if output not in ("table", "json"):
        raise errors.UsageError(f"--output {output}: expected table or json")


def _load(files: list[str] | None, sets: list[str] | None) -> config_lib.Config:
    return config_lib.load(files or (), sets or (), platform="vertex").config


def _follow(
    config: config_lib.Config, run: str, every_s: float, console: Console
) -> int:
    from pipeline.vertex.runs import progress

    try:
        # gRPC may swallow a Ctrl-C that falls into a request.
        with (
            Interrupts() as interrupts,
            interrupts.allowed(),
            progress.Progress(console) as shown,
        ):
            job = following.follow(
                config, run, shown.show, _teller(console), every_s=every_s
            )
    except KeyboardInterrupt:
        _hint(
            console,
            f"stopped watching; {run} goes on.\n"
            f"  look again  python vertex_runner.py status {run} --wait\n"
            f"  cancel it   python vertex_runner.py cancel {run}",
        )
        return _INTERRUPTED
    if console.is_terminal:
        console.print(progress.table(job))
    return _report(config, job, console)


def _report(config: config_lib.Config, job: Any, console: Console) -> int:
    """The last lines; returns the exit code, 0 for a job that still runs."""
    from pipeline.vertex.runs import ending

    run = job.name.rsplit("/", 1)[-1]
    if jobs.state_of(job) not in jobs.ENDED:
        console.print(f"{run}: {jobs.state_of(job).lower()}", highlight=False)
        return 0
    end = ending.of_job(config, job)
    where = f" at {end.node}" if end.node else ""
    console.print(f"{run}: {end.outcome.name}{where}", highlight=False)
    for reason in end.reasons:
        console.print(f"  {escape(reason)}", highlight=False)
    if end.is_guess:
        console.print("  (by the task that failed; it left no words)", highlight=False)
    console.print(f"  {_link(job)}", highlight=False)
    if end.node:
        console.print(f"  logs: python vertex_runner.py logs {run}", highlight=False)
    return ending.exit_code(config, end.outcome)


def _states(texts: Sequence[str]) -> list[str]:
    wanted = [text.upper() for text in texts]
    for text in wanted:
        if text not in jobs.STATES:
            known = ", ".join(jobs.STATES)
            raise errors.UsageError(f"--state {text}: no such state. Known: {known}")
    return wanted


def _console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def _hint(console: Console, words: str) -> None:
    console.print(escape(words))


def _teller(console: Console) -> Any:
    return lambda words: _hint(console, words)


def _link(job: Any) -> str:
    from pipeline.gcp import job_status

    return job_status.console_link(job.name)
