"""gate: a person's word against the verdict, on the record."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import config as config_lib
from pipeline import errors, runs
from pipeline.commands import asking
from pipeline.commands.options import Files, Sets
from pipeline.registry.versions import Override
from pipeline.runners import refused

# What reads the store is imported when it is asked: --help has no use for it.


def gate_app(platform: str) -> typer.Typer:
    """`gate override`; why a model was refused says `lineage why RUN`."""
    app = typer.Typer(
        help="Push a refused model by a person's word. Why it was refused: "
        "lineage why RUN.",
        no_args_is_help=True,
    )

    @app.callback()
    def _nouns() -> None:
        """Typer would drop the verb of an app with one command."""

    app.command("override")(override if platform == "local" else override_there)
    return app


def override_there(
    run: Annotated[str, typer.Argument(metavar="RUN")],
    by: Annotated[str, typer.Option("--by", metavar="WHO")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT")],
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Not on Vertex: says what to do instead."""
    raise errors.UsageError(
        f"gate override pushes the models of this machine's runs, and {run} is a job "
        "on Vertex. There: lower the bound that it missed (lineage why RUN names it) "
        "with --set evaluation.thresholds.METRIC.min=VALUE, and submit it again: the "
        "training comes from the cache, and the configuration on record says how "
        "it was judged. Nothing was pushed"
    )


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
    said = Override(by=_words("--by", by), reason=_words("--reason", reason))
    loaded = config_lib.load(config or (), set_ or (), platform="local").config
    refused.require(loaded.output_root, run)
    from pipeline.runners import override as overriding

    with runs.locked(loaded.output_root):
        for line in overriding.settle(loaded):
            typer.echo(line, err=True)
        found = refused.of(loaded, run)
        typer.echo(f"run     {run}, {found.summary['verdict']}", err=True)
        for line in found.summary["reasons"]:
            typer.echo(f"        {line}", err=True)
        typer.echo(f"to      {found.parameters['destination']}", err=True)
        typer.echo(f"by      {said.by}: {said.reason}", err=True)
        if dry_run:
            typer.echo("nothing was pushed (--dry-run)", err=True)
            return
        if not asking.agreed("Push it although it was refused?", yes):
            raise errors.UsageError("nothing was pushed: the answer was no")
        typer.echo(overriding.carry_out(found, loaded, said))


_LONGEST = 1000


def _words(option: str, value: str) -> str:
    """One line that a terminal shows as it is: it stays on record, and is read there.

    Raises:
      UsageError: it is empty, too long, or holds what does not print.
    """
    words = value.strip()
    if not words:
        raise errors.UsageError(f"{option} is empty, and it is what stays on record")
    if len(words) > _LONGEST:
        raise errors.UsageError(
            f"{option} has {len(words)} characters; at most {_LONGEST} stay on record"
        )
    odd = next((c for c in words if not c.isprintable()), "")
    if odd:
        raise errors.UsageError(
            f"{option} holds {odd!r}; write it on one line, in characters that print"
        )
    return words
