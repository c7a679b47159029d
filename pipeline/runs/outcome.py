"""The one word for how a run ended: terminal, exit code, MLMD and messages use it."""

from __future__ import annotations

import enum

from pipeline import errors


class Outcome(enum.Enum):
    """How a run ended; the value is the process's exit code."""

    SUCCEEDED = 0
    FAILED = 1
    DATA_REFUSED = 3
    NOT_BLESSED = 4
    PUSH_FAILED = 5
    CANCELLED = 130


def of_error(error: BaseException) -> Outcome:
    """The outcome of a run that `error` ended."""
    if isinstance(error, KeyboardInterrupt):
        return Outcome.CANCELLED
    if isinstance(error, errors.DataRefused):
        return Outcome.DATA_REFUSED
    if isinstance(error, errors.PushFailed):
        return Outcome.PUSH_FAILED
    return Outcome.FAILED


def words(error: BaseException) -> str:
    """The error as a person reads it."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; the next run takes what was finished from the cache"
    if isinstance(error, errors.MillraceError):
        return str(error)
    return f"{type(error).__name__}: {error}"[:2000]
