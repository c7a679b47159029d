"""Options that several sub-commands have, and the configuration that they mean."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from pipeline.config import config

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
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="One of the job."),
]
Trigger = Annotated[
    str,
    typer.Option(
        envvar="MILLRACE_TRIGGER",
        metavar="WORDS",
        help="For the record: hand, schedule NAME, backfill, retrain CONDITION.",
    ),
]
Output = Annotated[
    Literal["table", "json"], typer.Option("--output", help="json is for programs.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
]
DryRequest = Annotated[
    bool, typer.Option("--dry-run", help="Print the request; send nothing.")
]
By = Annotated[
    str | None, typer.Option("--by", metavar="WHO", help="Default: the account here.")
]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; an auditor will ask.")
]
Every = Annotated[
    float,
    typer.Option("--every", metavar="SECONDS", min=0, help="Between two checks."),
]


def on_vertex(files: list[str] | None, sets: list[str] | None) -> config.Config:
    """The configuration of the vertex platform."""
    return config.load(files or (), sets or (), platform="vertex").config
