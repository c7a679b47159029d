"""predict: answers of the champion for a whole file, folder or table."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import options
from pipeline.commands.options import DryRequest, Every, Files, Sets
from pipeline.config import config as config_lib
from pipeline.platforms import settings

Version = Annotated[
    str,
    typer.Option(
        "--version", metavar="N", help="A number, champion, candidate or latest."
    ),
]


def here(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="CSV or Parquet, or a folder.")
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT", help="A new file or folder, in the same format."
        ),
    ],
    version: Version = "champion",
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Write each row with the model's answer; rows that do not fit go aside."""
    from pipeline.serving import job

    loaded = config_lib.load(config or (), set_ or (), platform="local").config
    registry = settings.registry_of(loaded, "local")
    done = job.score(loaded, registry, source, target, version)
    typer.echo(f"{done.output}: {done.rows:,} rows scored by version {done.version}")
    if done.rejects:
        typer.echo(f"{done.rejects}: {done.rejected:,} rows do not fit", err=True)


def there(
    source: Annotated[
        str,
        typer.Option(
            "--input", metavar="URI", help="bq://P.D.TABLE, or gs:// files of .jsonl."
        ),
    ],
    target: Annotated[
        str, typer.Option("--output", metavar="URI", help="bq://P[.D] or gs://FOLDER.")
    ],
    version: Version = "champion",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for its end; exit with its code.")
    ] = False,
    every: Every = 30.0,
    dry_run: DryRequest = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Start a batch prediction on Vertex AI with a registered version."""
    loaded = options.on_vertex(config, set_)
    from pipeline.gcp import prediction

    registry = settings.registry_of(loaded, "vertex")
    order = prediction.order_of(loaded, registry, source, target, version)
    where = loaded.vertex
    assert where is not None  # order_of refuses that
    made = prediction.job(order, where)
    if dry_run:
        typer.echo(prediction.shown(made))
        return
    name = prediction.start(made, where)
    typer.echo(name)
    if wait:
        tell = functools.partial(typer.echo, err=True)
        typer.echo(prediction.wait(name, where, every, tell))
