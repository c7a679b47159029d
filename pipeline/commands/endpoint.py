"""endpoint: which versions answer on Vertex AI, and how much of the traffic."""

from __future__ import annotations

import dataclasses
import datetime
import getpass
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.commands import asking, options
from pipeline.commands.options import By, DryRun, Files, Output, Reason, Sets, Yes
from pipeline.platforms import settings

if TYPE_CHECKING:
    from pipeline.gcp.endpoints.service import Endpoint
    from pipeline.gcp.endpoints.traffic import Change, State

app = typer.Typer(help="Which versions answer on the endpoint, and how much of it.")


@app.command("show")
def show(output: Output = "table", config: Files = None, set_: Sets = None) -> None:
    """Show the versions that are deployed, and each one's part of the traffic."""
    endpoint = _endpoint(config, set_)
    _print_state(endpoint, endpoint.state(), output)


@app.command("history")
def history(output: Output = "table", config: Files = None, set_: Sets = None) -> None:
    """List the changes of the traffic, newest first: who, when, why."""
    from pipeline.gcp.endpoints import moves

    endpoint = _endpoint(config, set_)
    found = [
        {**dataclasses.asdict(entry), "at": _iso(entry.at)}
        for entry in moves.journal_of(endpoint).entries()
    ]
    if output == "json":
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    names = ("at", "action", "version", "before", "after", "actor", "reason", "state")
    rows = [[entry[name] for name in names] for entry in found]
    Console().print(_table(names, rows))


@app.command("deploy")
def deploy(
    reason: Reason,
    version: Annotated[
        str, typer.Argument(metavar="[VERSION]", help="A number or an alias.")
    ] = "candidate",
    percent: Annotated[
        int | None,
        typer.Option(
            "--traffic", min=0, max=100, metavar="PERCENT", help="The canary's share."
        ),
    ] = None,
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Deploy a version as the canary, or give the canary another part."""
    from pipeline.gcp.endpoints import moves, traffic

    endpoint = _endpoint(config, set_)
    number = moves.version_of(endpoint, version)
    part = endpoint.settings.canary_percent if percent is None else percent
    state = endpoint.state()
    change = traffic.deploy(state, number, part)
    _carry_out(endpoint, "deploy", change, state, by, reason, dry_run, yes)


@app.command("promote")
def promote(
    reason: Reason,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Default: the canary.")
    ] = None,
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Give all traffic to the canary."""
    from pipeline.gcp.endpoints import traffic

    endpoint = _endpoint(config, set_)
    state = endpoint.state()
    change = traffic.promote(state, version)
    _carry_out(endpoint, "promote", change, state, by, reason, dry_run, yes)
    if change.kind != "none" and not dry_run:
        _hint(f"in the registry: vertex_runner.py model promote {change.version}")


@app.command("rollback")
def rollback(
    reason: Reason,
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Give all traffic to what served before."""
    from pipeline.gcp.endpoints import traffic

    endpoint = _endpoint(config, set_)
    state = endpoint.state()
    change = traffic.rollback(state)
    _carry_out(endpoint, "rollback", change, state, by, reason, dry_run, yes)


@app.command("undeploy")
def undeploy(
    version: Annotated[str, typer.Argument(help="A version without traffic.")],
    reason: Reason,
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Take a version without traffic off its machine."""
    from pipeline.gcp.endpoints import traffic

    endpoint = _endpoint(config, set_)
    state = endpoint.state()
    change = traffic.undeploy(state, version)
    _carry_out(endpoint, "undeploy", change, state, by, reason, dry_run, yes)


def _endpoint(config: list[str] | None, sets: list[str] | None) -> Endpoint:
    loaded = options.on_vertex(config, sets)

    return settings.endpoint_of(loaded)


def _carry_out(
    endpoint: Endpoint,
    action: str,
    change: Change,
    state: State,
    by: str | None,
    reason: str,
    dry_run: bool,
    yes: bool,
) -> None:
    from pipeline.gcp.endpoints import moves

    if change.kind == "none":
        typer.echo(f"{endpoint.settings.name}: {change.words}; nothing to do")
        return
    _print_plan(endpoint, change, state)
    if dry_run:
        return
    asking.require(f"{action}?", yes)
    if change.kind == "deploy":
        _hint("deploying; this takes some minutes. Ctrl-C leaves it going on there")
    actor = by or getpass.getuser()
    moves.carry_out(endpoint, action, change, state, actor, reason)
    typer.echo(f"{endpoint.settings.name}: {change.words}")


def _print_plan(endpoint: Endpoint, change: Change, state: State) -> None:
    """On stderr: what each version has now, and will have."""
    from pipeline.gcp.endpoints.traffic import NEW

    rows = [
        [d.version, f"{d.percent} %", _then(change, d.id, d.version), d.machine]
        for d in state.deployed
    ]
    if change.kind == "deploy":
        machine = endpoint.machine
        rows.append([change.version, "-", f"{change.split[NEW]} %", machine])
    names = ("version", "now", "then", "machine")
    Console(stderr=True).print(_table(names, rows, title=endpoint.settings.name))


def _then(change: Change, id_: str, version: str) -> str:
    gone = change.kind == "undeploy" and version == change.version
    return "gone" if gone else f"{change.split.get(id_, 0)} %"


def _print_state(endpoint: Endpoint, state: State, output: str) -> None:
    roles = {"stable": state.main, "canary": state.canary}
    found: list[dict[str, Any]] = [
        {
            "version": d.version,
            "percent": d.percent,
            "role": next((name for name, of in roles.items() if of == d), ""),
            "machine": d.machine,
            "id": d.id,
        }
        for d in state.deployed
    ]
    if output == "json":
        typer.echo(json.dumps({"endpoint": endpoint.name, "deployed": found}, indent=2))
        return
    if not found:
        _hint(f"{endpoint.name}: nothing is deployed")
        return
    rows = [
        [each["version"], f"{each['percent']} %", each["role"], each["machine"]]
        for each in found
    ]
    names = ("version", "traffic", "role", "machine")
    Console().print(_table(names, rows, title=endpoint.settings.name))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Any:
    table = Table(box=None, title=title or None, title_justify="left")
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _hint(words: str) -> None:
    typer.echo(words, err=True)


def _iso(seconds: float) -> str:
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
