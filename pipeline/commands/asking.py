"""A person is asked before something is changed; --yes answers for scripts."""

from __future__ import annotations

import sys

import typer

from pipeline import errors


def require(question: str, yes: bool) -> None:
    """Goes on if it may be done.

    Args:
      question: as of `agreed`.
      yes: somebody said so already.

    Raises:
      Declined: the answer is no.
      UsageError: nobody is there to be asked.
    """
    if not agreed(question, yes):
        raise errors.Declined("nothing was done: the answer was no")


def agreed(question: str, yes: bool) -> bool:
    """Whether it may be done.

    Args:
      question: without a question mark's default, such as 'Create it?'.
      yes: somebody said so already.

    Raises:
      UsageError: nobody is there to be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise errors.UsageError(
            f"{question} There is no terminal to ask on: say --yes, or --dry-run to "
            "look only. Nothing was done"
        )
    return typer.confirm(question, err=True)
