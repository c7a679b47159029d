"""gate: a person's word against the verdict, on the record."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import config as config_lib
from pipeline import errors, runs
from pipeline.commands import asking
from pipeline.commands.options import Files, Sets
from pipeline.registry.versions import Override

# TFX is imported when a model is pushed: --help has no use for it.


def gate_app() -> typer.Typer:
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


def override(
    run: Annotated[str, typer.Argument(metavar="RUN", help="It ended NOT_BLESSED.")],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="Who answers for it.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="An auditor will ask.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the checks; push nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Push the model that a run refused; who and why stays on record for good."""
    for option, value in (("--by", by), ("--reason", reason)):
        if not value.strip():
            raise errors.UsageError(
                f"{option} is empty, and it is what stays on record"
            )
    loaded = config_lib.load(config or (), set_ or (), platform="local").config
    runs.last(loaded.output_root, run)  # told before TFX is loaded
    from pipeline.runners import override as overriding

    with runs.locked(loaded.output_root):
        found = overriding.refused(loaded, run)
        typer.echo(f"run     {run}, {found.summary['verdict']}", err=True)
        for line in found.summary["reasons"]:
            typer.echo(f"        {line}", err=True)
        typer.echo(f"to      {found.parameters['destination']}", err=True)
        typer.echo(f"by      {by}: {reason}", err=True)
        if dry_run:
            typer.echo("nothing was pushed (--dry-run)", err=True)
            return
        if not asking.agreed("Push it although it was refused?", yes):
            raise errors.UsageError("nothing was pushed: the answer was no")
        said = Override(by=by.strip(), reason=reason.strip())
        typer.echo(overriding.carry_out(found, loaded, said))
