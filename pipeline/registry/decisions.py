"""A wish -> the move that it takes, or why not; the same for all registries."""

from __future__ import annotations

from pipeline.errors import UsageError
from pipeline.registry.versions import (
    CANDIDATE,
    CHAMPION,
    Move,
    Registry,
    champions,
    earlier,
    holding,
)


def promotion(registry: Registry, number: str, actor: str, reason: str) -> Move:
    """That version becomes the champion.

    Raises:
      UsageError: there is none, it cannot serve, or it is the champion already.
    """
    found = registry.versions()
    champion, candidate = holding(found, CHAMPION), holding(found, CANDIDATE)
    version = registry.version(number)
    if version.number == champion:
        raise UsageError(f"version {champion} is the champion already")
    _require_usable(version.number, version.problem)
    return Move(
        action="promote",
        before=champion,
        champion=version.number,
        candidate="" if candidate == version.number else candidate,
        actor=actor,
        reason=reason,
    )


def rollback(registry: Registry, number: str | None, actor: str, reason: str) -> Move:
    """An earlier champion becomes it again.

    Args:
      registry: of the model.
      number: which one; None is the one before the champion.
      actor: who wants it.
      reason: why.

    Raises:
      UsageError: there is no such champion, or it cannot serve any more.
    """
    found = registry.versions()
    moves = registry.moves()
    champion, candidate = holding(found, CHAMPION), holding(found, CANDIDATE)
    before = earlier(champions(moves), champion)
    if number is None and not before:
        raise UsageError(
            "there is no champion before "
            + (f"version {champion}" if champion else "that could come back")
            + ". To serve another version: model promote VERSION"
        )
    target = registry.version(number or before[-1])
    if target.number == champion:
        raise UsageError(f"version {champion} is the champion already")
    ever = {move.champion for move in moves if move.finished}
    if target.number not in ever:
        raise UsageError(
            f"version {target.number} was never champion, so there is no way back to "
            f"it. To serve it: model promote {target.number}"
        )
    _require_usable(target.number, target.problem)
    return Move(
        action="rollback",
        before=champion,
        champion=target.number,
        candidate="" if candidate == target.number else candidate,
        actor=actor,
        reason=reason,
    )


def _require_usable(number: str, problem: str) -> None:
    if problem:
        raise UsageError(
            f"version {number} cannot serve: {problem}. What serves now was not touched"
        )
