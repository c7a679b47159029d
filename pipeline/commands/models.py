"""model: the versions of the pushed model, who is served, and moving that."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import errors
from pipeline.commands.options import By, DryRun, Files, Output, Reason, Sets, Yes
from pipeline.config import config as config_lib
from pipeline.gcp import clients
from pipeline.lineage.moves import ChampionMoves
from pipeline.platforms import settings
from pipeline.registry import versions

Version = Annotated[
    str,
    typer.Argument(metavar="VERSION", help="A number, champion, candidate or latest."),
]


def model_app(platform: str) -> typer.Typer:
    """`model list`, `show`, `history`, `promote` and `rollback`."""
    app = typer.Typer(
        help="Versions of the pushed model: who is served, and moving it."
    )
    _add_questions(app, platform)
    _add_moves(app, platform)
    return app


def _add_questions(app: typer.Typer, platform: str) -> None:
    def registry(config: list[str] | None, sets: list[str] | None) -> Any:
        return settings.registry_of(_settings(config, sets, platform), platform)

    @app.command("list")
    def list_(
        output: Output = "table", config: Files = None, set_: Sets = None
    ) -> None:
        """List the versions, newest first."""
        found = registry(config, set_)
        if output == "json":
            _print_json(found, versions=found.versions())
        else:
            _print_versions(found)

    @app.command()
    def show(
        version: Version,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Show all that is known of one version, and check its files."""
        found = registry(config, set_)
        one = found.version(version)
        if output == "json":
            _print_json(found, versions=[one])
        else:
            _print_version(one, _overridden(found, one))

    @app.command()
    def history(
        output: Output = "table", config: Files = None, set_: Sets = None
    ) -> None:
        """List the moves, newest first: who, when, why."""
        found = registry(config, set_)
        if output == "json":
            _print_json(found, moves=found.moves())
        else:
            _print_moves(found)


def _add_moves(app: typer.Typer, platform: str) -> None:
    def moves(config: list[str] | None, sets: list[str] | None) -> ChampionMoves:
        asked = _settings(config, sets, platform)
        found = settings.registry_of(asked, platform)
        # Vertex's registry writes its moves down itself.
        store = asked.store if platform == "local" else ""
        return ChampionMoves(found, store, asked.pipeline_name)

    @app.command()
    def promote(
        version: Version,
        reason: Reason,
        by: By = None,
        yes: Yes = False,
        dry_run: DryRun = False,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Serve this version: it becomes the champion."""
        champion = moves(config, set_)
        move = champion.promotion(version, _who(by, platform), _said(reason))
        _carry_out(champion, move, yes, dry_run)

    @app.command()
    def rollback(
        reason: Reason,
        to: Annotated[
            str | None,
            typer.Option("--to", metavar="VERSION", help="Default: the one before."),
        ] = None,
        by: By = None,
        yes: Yes = False,
        dry_run: DryRun = False,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Serve an earlier champion again."""
        champion = moves(config, set_)
        move = champion.rollback(to, _who(by, platform), _said(reason))
        _carry_out(champion, move, yes, dry_run)


def _settings(
    config: list[str] | None, sets: list[str] | None, platform: str
) -> config_lib.Config:
    return config_lib.load(config or (), sets or (), platform=platform).config


def _carry_out(
    champion: ChampionMoves, move: versions.Move, yes: bool, dry_run: bool
) -> None:
    """Shows it, asks, does it."""
    registry = champion.registry
    typer.echo(f"in      {registry.where}")
    typer.echo(f"served  {_named(registry, move.before)}")
    typer.echo(f"then    {_named(registry, move.champion)}")
    typer.echo(f"by      {move.actor}: {move.reason}")
    if dry_run:
        typer.echo("nothing was changed (--dry-run)")
        return
    if not yes and sys.stdin.isatty() and not typer.confirm(f"{move.action}?"):
        raise errors.Declined("nothing was done: the answer was no")
    done = champion.carry_out(move, lambda why: typer.echo(f"note: {why}", err=True))
    typer.echo(f"done    version {done.champion} is the champion (move {done.id})")


def _named(registry: versions.Registry, number: str) -> str:
    """A version in a line."""
    if not number:
        return "none"
    version = registry.version(number)
    origin = version.origin
    words = [
        f"version {number}",
        f"run {origin.run_id}" if origin.run_id else "",
        _short(origin.metrics),
    ]
    return ", ".join(word for word in words if word)


def _short(metrics: Any) -> str:
    known = [name for name in ("auc", "accuracy") if name in metrics]
    return ", ".join(f"{name} {metrics[name]:.4f}" for name in known)


def _said(reason: str) -> str:
    if not reason.strip():
        raise errors.UsageError("--reason: is empty; say why, an auditor will ask")
    return reason.strip()


def _who(by: str | None, platform: str) -> str:
    """Who asks: as they say, else Google's account on Vertex, else the user here."""
    if by and by.strip():
        return by.strip()
    account = clients.account() if platform == "vertex" else ""
    return account or getpass.getuser()


def _print_json(registry: versions.Registry, **found: Any) -> None:
    listed = {key: [each.to_dict() for each in values] for key, values in found.items()}
    value = {"schema": "millrace-models-1", "where": registry.where, **listed}
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_versions(registry: versions.Registry) -> None:
    found = registry.versions()
    if not found:
        typer.echo(f"{registry.where}: no version was pushed")
        return
    table = _table("version", "", "created", "run", "data", "auc")
    for version in found:
        origin = version.origin
        table.add_row(
            version.number,
            Text(", ".join(version.aliases), style="green"),
            versions.iso(version.created)[:16] if version.created else "",
            Text(origin.run_id),
            Text(origin.data),
            f"{origin.metrics['auc']:.4f}" if "auc" in origin.metrics else "",
        )
        if version.problem:
            table.add_row("", Text("cannot serve", style="red"))
    Console().print(table)
    for version in found:
        if version.problem:
            typer.echo(f"version {version.number} cannot serve: {version.problem}")
    if not versions.holding(found, versions.CHAMPION):
        typer.echo("no version is the champion. To serve one: model promote VERSION")


def _overridden(registry: versions.Registry, version: versions.Version) -> str:
    """Who pushed it although it was refused; '' when it was blessed."""
    for move in registry.moves():
        if (
            move.finished
            and move.action == "override"
            and move.pushed == version.number
        ):
            return f"by {move.actor} on {versions.iso(move.at)}: {move.reason}"
    return ""


def _print_version(version: versions.Version, overridden: str) -> None:
    origin = version.origin
    lines = {
        "version": version.number,
        "is": ", ".join(version.aliases),
        "refused": f"and pushed all the same {overridden}" if overridden else "",
        "where": version.where,
        "files": version.uri if version.uri != version.where else "",
        "created": versions.iso(version.created) if version.created else "",
        "run": origin.run_id,
        "code": origin.code,
        "span": origin.span,
        "data": origin.data,
        "metrics": ", ".join(f"{k} {v:.4f}" for k, v in sorted(origin.metrics.items())),
        "problem": version.problem,
    }
    for name, value in lines.items():
        if value:
            typer.echo(f"{name:<8} {value}")


def _print_moves(registry: versions.Registry) -> None:
    found = registry.moves()
    if not found:
        typer.echo(f"{registry.where}: nothing was moved")
        return
    table = _table("at", "move", "champion", "by", "reason")
    for move in found:
        table.add_row(
            versions.iso(move.at)[:16],
            move.action if move.finished else Text("unfinished", style="yellow"),
            _change(move),
            Text(move.actor),
            Text(move.reason),
        )
    Console().print(table)


def _change(move: versions.Move) -> str:
    if move.champion == move.before:
        return f"{move.before or 'none'} (candidate {move.candidate})"
    return f"{move.before or 'none'} -> {move.champion}"


def _table(*columns: str) -> Table:
    """The last but one may be folded where the terminal is narrow, and the last."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns[:-2]:
        table.add_column(column, no_wrap=True)
    for column in columns[-2:]:
        table.add_column(column, overflow="fold")
    return table
