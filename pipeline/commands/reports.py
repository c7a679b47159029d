"""`report` and `compare`: a run on a page, several side by side."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pipeline import errors
from pipeline.commands.options import Files, Sets
from pipeline.config import config as config_lib
from pipeline.runs import folder


def add(app: typer.Typer) -> None:
    """Gives the app both commands."""
    app.command("report")(_report)
    app.command("compare")(_compare)


def _report(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Default: the newest.")
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Show it in the browser.")
    ] = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Make a run's page again, of what is still on disk."""
    from pipeline.reports import write

    output_root = _output_root(config, set_)
    path = write.write(output_root, folder.last(output_root, run_id).run_id)
    typer.echo(str(path))
    if open_:
        webbrowser.open(path.resolve().as_uri())


def _compare(
    run_ids: Annotated[list[str], typer.Argument(metavar="RUN RUN...")],
    output: Annotated[
        Path | None, typer.Option(help="Where the page is written.")
    ] = None,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Show what differs between runs, here and on a page."""
    if len(set(run_ids)) < 2:
        raise errors.UsageError("compare: give two or more different runs")
    from rich.console import Console

    from pipeline.reports import compare

    found = compare.of(_output_root(config, set_), list(dict.fromkeys(run_ids)))
    Console().print(compare.table(found))
    if output is not None:
        compare.write(found, output)
        typer.echo(str(output))


def _output_root(files: list[str] | None, sets: list[str] | None) -> str:
    return config_lib.load(files or (), sets or ()).config.output_root
