"""Options that every sub-command has."""

from __future__ import annotations

from typing import Annotated

import typer

Files = Annotated[
    list[str] | None,
    typer.Option("--config", "-c", metavar="FILE", help="YAML over the defaults."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="One value, over all files."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Of the job."),
]
Trigger = Annotated[
    str,
    typer.Option(
        envvar="MILLRACE_TRIGGER",
        metavar="WORDS",
        help="For the record: hand, schedule NAME, backfill, retrain CONDITION.",
    ),
]
