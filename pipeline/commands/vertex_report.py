"""`report` of a run on Vertex: the page that a local run has."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pipeline import errors
from pipeline.commands.options import Files, Sets
from pipeline.config import config as config_lib


def report(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Default: the newest.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Default: output/vertex/RUN.html.")
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Show it in the browser.")
    ] = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Make a run's page, of the job and of what its artifacts hold."""
    from pipeline import files
    from pipeline.gcp import bucket
    from pipeline.reports import collect, html
    from pipeline.vertex.runs import report_source

    loaded = config_lib.load(config or (), set_ or (), platform="vertex").config
    run_id = _run_id(run) if run else _newest(loaded)
    path = output or Path("output", "vertex", f"{run_id}.html")
    with bucket.Copies() as copies:
        source = report_source.VertexRuns(loaded, copies)
        page = html.page(collect.report(source, run_id))
    try:
        files.write_text(path, page)
    except OSError as error:
        raise errors.UsageError(f"--output {path}: {error.strerror}") from None
    typer.echo(str(path))
    if open_:
        webbrowser.open(path.resolve().as_uri())


def _run_id(run: str) -> str:
    return run.rsplit("/", 1)[-1]


def _newest(config: config_lib.Config) -> str:
    from pipeline.gcp import jobs

    found = jobs.newest(config, jobs.ENDED, limit=1)
    if not found:
        raise errors.UsageError(f"no run of {config.pipeline_name} has ended yet")
    return _run_id(found[0].name)
