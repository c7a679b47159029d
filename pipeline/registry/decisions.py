"""A wish -> the move that it takes, or why not; the same for all registries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.errors import UsageError
from pipeline.registry.versions import (
    CANDIDATE,
    CHAMPION,
    Move,
    Registry,
    Version,
    champions,
    earlier,
    holding,
    rolled_back,
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


def again(
    found: Iterable[Version],
    moves: Sequence[Move],
    twin: Version,
    promote: bool,
    run_id: str,
) -> Move | None:
    """What a run does that pushes a model which a version holds already; None: nothing.

    Args:
      found: all versions.
      moves: newest first.
      twin: the version with the same content.
      promote: whether a push promotes.
      run_id: of the run.
    """
    known = list(found)
    champion, candidate = holding(known, CHAMPION), holding(known, CANDIDATE)
    bad = twin.number in rolled_back(moves)
    serves = promote and not bad
    if twin.number == champion or (not serves and twin.number == candidate):
        return None
    why = ", which was rolled back" if bad else ""
    waits = "" if candidate == twin.number else candidate
    return Move(
        action="promote" if serves else "push",
        before=champion,
        champion=twin.number if serves else champion,
        candidate=waits if serves else twin.number,
        actor=f"run {run_id}",
        reason=f"blessed; the same files as version {twin.number}{why}",
        run_id=run_id,
    )


def rollback(registry: Registry, number: str | None, actor: str, reason: str) -> Move:
    """An earlier champion becomes it again.

    Args:
      registry: of the model.
      number: which one; None is the one before the champion that holds another model.
      actor: who wants it.
      reason: why.

    Raises:
      UsageError: there is no such champion, or it cannot serve any more.
    """
    found = registry.versions()
    moves = registry.moves()
    champion, candidate = holding(found, CHAMPION), holding(found, CANDIDATE)
    all_before = earlier(champions(moves), champion)
    before = _others(found, champion, all_before)
    if number is None and not before:
        raise UsageError(
            f"{_no_way_back(champion, all_before)}. To serve another version: "
            "model promote VERSION"
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


def _no_way_back(champion: str, before: Sequence[str]) -> str:
    if not champion:
        return "there is no champion before that could come back"
    if before:
        return f"the champions before version {champion} hold the same model"
    return f"there is no champion before version {champion}"


def _others(
    found: Iterable[Version], champion: str, numbers: Sequence[str]
) -> list[str]:
    """Those that hold another model than the champion: a way back leads elsewhere."""
    known = {version.number: version for version in found}
    now = known.get(champion)
    if now is None:
        return list(numbers)
    return [
        number
        for number in numbers
        if number not in known or not known[number].is_same(now.content, now.files)
    ]


def _require_usable(number: str, problem: str) -> None:
    if problem:
        raise UsageError(
            f"version {number} cannot serve: {problem}. What serves now was not touched"
        )
