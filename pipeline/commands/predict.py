"""predict: answers of the champion for a whole file, folder or table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline import config as config_lib
from pipeline.commands.options import Files, Sets

Version = Annotated[
    str, typer.Option("--version", metavar="N", help="champion, or a version's number.")
]


def here(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="CSV or Parquet, or a folder.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Of the same format; a new one.")
    ],
    version: Version = "champion",
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Write each row with the model's answer; rows that do not fit go aside."""
    from pipeline.prediction import job

    loaded = config_lib.load(config or (), set_ or (), platform="local").config
    done = job.score(loaded, source, target, version)
    typer.echo(f"{done.output}: {done.rows:,} rows scored by version {done.version}")
    if done.rejects:
        typer.echo(f"{done.rejects}: {done.rejected:,} rows do not fit", err=True)
