"""experiments: the runs on Vertex AI side by side."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline import errors
from pipeline.commands import options
from pipeline.commands.options import Files, Output, Sets
from pipeline.config import config as config_lib
from pipeline.platforms import settings

if TYPE_CHECKING:
    from pipeline.gcp.experiments.contexts import Run

app = typer.Typer(help="The runs on Vertex AI side by side.")


@app.callback()
def _noun() -> None:
    """A noun with one verb still has its verb."""


@app.command("list")
def list_(output: Output = "table", config: Files = None, set_: Sets = None) -> None:
    """Compare the experiment's runs, newest first: what differs, and the metrics."""
    found = _runs(options.on_vertex(config, set_))
    if output == "json":
        typer.echo(json.dumps([_plain(run) for run in found], indent=2))
        return
    if not found:
        typer.echo("no runs", err=True)
        return
    Console().print(_table(found))


def _runs(config: config_lib.Config) -> list[Run]:
    from pipeline.gcp import clients
    from pipeline.gcp.experiments import contexts

    place = settings.experiment_place(config)
    if place is None:
        raise errors.ConfigError(
            "vertex.experiment is not set; it names the runs' experiment: "
            "--set vertex.experiment=NAME"
        )
    with clients.asking(f"list the runs of the experiment {place.experiment}"):
        return contexts.Experiment(place, contexts.Patience(60)).runs()


def _plain(run: Run) -> dict[str, object]:
    return {**dataclasses.asdict(run), "created": _iso(run.created)}


def _table(runs: list[Run]) -> Table:
    """A row for each run; of the parameters only those that differ."""
    params = _names([run.params for run in runs], only_different=True)
    metrics = _names([run.metrics for run in runs])
    table = Table(box=None)
    for name in ("run", "state", *params, *metrics):
        table.add_column(escape(name.removeprefix("training.")))
    for run in runs:
        values = [run.params.get(name) for name in params]
        values += [run.metrics.get(name) for name in metrics]
        table.add_row(escape(run.name), run.state, *map(_shown, values))
    return table


def _names(columns: list[Any], only_different: bool = False) -> list[str]:
    names = sorted({name for column in columns for name in column})
    if not only_different:
        return names
    return [n for n in names if len({column.get(n) for column in columns}) > 1]


def _shown(value: str | float | None) -> str:
    if value is None:
        return "-"
    return escape(value) if isinstance(value, str) else f"{value:.6g}"


def _iso(seconds: float) -> str:
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
