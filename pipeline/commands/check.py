"""check: is everything there that a job on Vertex AI needs?"""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.markup import escape

from pipeline import errors
from pipeline.commands import options
from pipeline.commands.options import Files, Parameters, Sets
from pipeline.config import config as config_lib
from pipeline.vertex.runs import checks
from pipeline.vertex.runs.checks import Check

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def check(
    config: Files = None, set_: Sets = None, parameter: Parameters = None
) -> None:
    """Ask Google, in seconds, whether a job could start; nothing is changed."""
    loaded = options.on_vertex(config, set_)
    found = checks.run(loaded, parameter or ())
    show(found, Console(highlight=False, soft_wrap=True))
    if any(each.state == "failed" for each in found):
        raise typer.Exit(2)


def require(config: config_lib.Config, given: Sequence[str]) -> None:
    """The same before something is sent; what passes is not shown.

    Args:
      config: of the vertex platform.
      given: NAME=VALUE, parameters of the submission.

    Raises:
      UsageError: a check failed.
    """
    found = checks.run(config, given)
    wrong = [each for each in found if each.state != "ok"]
    show(wrong, Console(stderr=True, highlight=False, soft_wrap=True))
    if any(each.state == "failed" for each in wrong):
        raise errors.UsageError("nothing was sent: see what failed above")


def show(found: Sequence[Check], console: Console) -> None:
    """A line for each, and below it the command that mends it."""
    for each in found:
        style = _STYLES.get(each.state, "dim")
        head = f"[{style}]{each.state:<10}[/]{each.name:<17}"
        console.print(f"{head}{escape(each.words)}")
        if each.mend:
            console.print(f"{'':<10}{'':<17}-> {escape(each.mend)}")
