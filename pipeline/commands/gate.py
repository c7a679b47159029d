"""gate: a person's word against the verdict, on the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from pipeline import errors
from pipeline.commands import asking
from pipeline.commands.options import Files, Sets, Yes
from pipeline.config import config as config_lib
from pipeline.local import refused
from pipeline.registry.versions import Override
from pipeline.runs import folder

# What reads the store is imported when it is asked: --help has no use for it.


def gate_app(override: Callable[..., None]) -> typer.Typer:
    """`gate override`; why a model was refused says `lineage why RUN`."""
    app = typer.Typer(
        help="Push a refused model by a person's word. Why it was refused: "
        "lineage why RUN.",
        no_args_is_help=True,
    )

    @app.callback()
    def _nouns() -> None:
        """Typer would drop the verb of an app with one command."""

    app.command("override")(override)
    return app


Refused = Annotated[
    str, typer.Argument(metavar="RUN", help="A run that ended NOT_BLESSED.")
]
By = Annotated[
    str, typer.Option("--by", metavar="WHO", help="Who takes responsibility.")
]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="An auditor will ask.")
]


def show(run: str, reasons: Iterable[str], destination: str, said: Override) -> None:
    """What would be pushed against which reasons, and by whom."""
    typer.echo(f"run     {run}", err=True)
    for line in reasons:
        typer.echo(f"        {line}", err=True)
    typer.echo(f"to      {destination}", err=True)
    typer.echo(f"by      {said.by}: {said.reason}", err=True)


def override(
    run: Refused,
    by: By,
    reason: Reason,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the checks; push nothing.")
    ] = False,
    yes: Yes = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Push the model that a run refused; who and why stays on record for good."""
    said = Override(by=words("--by", by), reason=words("--reason", reason))
    loaded = config_lib.load(config or (), set_ or (), platform="local").config
    refused.require(loaded.output_root, run)
    from pipeline.local import override as overriding

    with folder.locked(loaded.output_root):
        for line in overriding.settle(loaded):
            typer.echo(line, err=True)
        found = refused.of(loaded, run)
        summary, to = found.summary, found.parameters["destination"]
        show(f"{run}, {summary.verdict}", summary.reasons, to, said)
        if dry_run:
            typer.echo("nothing was pushed (--dry-run)", err=True)
            return
        asking.require("Push it although it was refused?", yes)
        typer.echo(overriding.carry_out(found, loaded, said))


_LONGEST = 1000


def words(option: str, value: str) -> str:
    """One line that a terminal shows as it is: it stays on record, and is read there.

    Raises:
      UsageError: it is empty, too long, or holds what does not print.
    """
    said = value.strip()
    if not said:
        raise errors.UsageError(f"{option} is empty, and it is what stays on record")
    if len(said) > _LONGEST:
        raise errors.UsageError(
            f"{option} has {len(said)} characters; at most {_LONGEST} stay on record"
        )
    odd = next((c for c in said if not c.isprintable()), "")
    if odd:
        raise errors.UsageError(
            f"{option} holds {odd!r}; write it on one line, in characters that print"
        )
    return said
