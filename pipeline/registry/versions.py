"""Records: a version, what it was made of, a move of the champion."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

CHAMPION, CANDIDATE = "champion", "candidate"
LATEST = "latest"

Action = Literal["push", "override", "promote", "rollback"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """What a version was made of; '' is not known."""

    run_id: str = ""
    code: str = ""
    """Commit, or on Vertex the image."""

    span: str = ""
    data: str = ""
    """Which data, in words."""

    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Metric -> value, on all examples of the split that is judged."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Override:
    """A person's word against the verdict: the model is pushed although refused."""

    by: str
    reason: str
    at: float = 0.0
    """Seconds since 1970."""

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Override:
        """Of JSON that says by whom, why and when, whatever else it says."""
        return cls(by=plain["by"], reason=plain["reason"], at=float(plain["at"]))

    @property
    def words(self) -> str:
        """On one line."""
        return f"by {self.by} on {iso(self.at)}: {self.reason}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Version:
    """A pushed model."""

    number: str
    where: str
    """The version's name in the registry: a folder, or Vertex's resource name."""

    uri: str
    """The folder of the SavedModel."""

    origin: Origin = Origin()
    aliases: tuple[str, ...] = ()
    created: float = 0.0
    """Seconds since 1970."""

    problem: str = ""
    """Why it cannot serve; '' when nothing is known against it."""

    columns: tuple[str, ...] = ()
    """Raw columns that it is asked with, where the registry knows them."""

    content: str = ""
    """Digest of the model itself (serving/identity.py); '' before there was one."""

    files: str = ""
    """Digest of its files, where the registry knows them."""

    def is_same(self, content: str, files: str = "") -> bool:
        """Whether it is the model with that content, or else the very same files."""
        if self.content and content:
            return self.content == content
        return bool(files) and self.files == files

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        plain = {**dataclasses.asdict(self), "created": iso(self.created)}
        return plain.pop("origin") | plain


@dataclasses.dataclass(frozen=True, kw_only=True)
class Move:
    """A change of what is served, or of who waits to be."""

    action: Action
    before: str
    """Champion before it; '' is none."""

    champion: str
    """Champion after it."""

    candidate: str
    """Who waits to be promoted after it; '' is nobody."""

    actor: str
    reason: str
    run_id: str = ""
    """The run, of a push or an override."""

    manifest: str = ""
    """Digest of the manifest, of a push or an override."""

    id: str = ""
    at: float = 0.0
    """Seconds since 1970."""

    finished: bool = True
    """Whether it took effect; a crash may come before that."""

    @property
    def pushed(self) -> str:
        """The version that it brought; '' if it moves one that was there."""
        if self.action not in ("push", "override"):
            return ""
        return self.candidate if self.champion == self.before else self.champion

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**dataclasses.asdict(self), "at": iso(self.at)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Push:
    """What became of a model that was given to a registry."""

    version: Version
    """The new one, or the one that holds this model already."""

    is_new: bool = True
    moved: bool = True
    """Whether anybody else is served, or waits to be, than before."""


class Registry(Protocol):
    """What both platforms' registries can do."""

    where: str
    """In words, for people."""

    def versions(self) -> list[Version]:
        """All of them, newest first."""
        ...

    def version(self, number: str) -> Version:
        """That one, with all that is known of it.

        Raises:
          UsageError: there is none.
        """
        ...

    def moves(self) -> list[Move]:
        """All of them, newest first."""
        ...

    def carry_out(self, move: Move) -> Move:
        """Does it, at once or not at all; gives it its id and time.

        Raises:
          BusyError: the champion is not `move.before` any more.
          UsageError: the version cannot serve.
        """
        ...

    def push(
        self,
        copy: Callable[[], str],
        origin: Origin,
        manifest: str,
        content: str,
        promote: bool,
        override: Override | None = None,
    ) -> Push:
        """Takes in a new version, unless one that is there holds the same model.

        Then nothing is copied. The champion stays as it is; an older version is
        promoted like a new one; one that a person rolled back becomes the candidate.

        Args:
          copy: puts the SavedModel where it is served from; returns that folder. It is
            not called when this run's model is here already.
          origin: what it was made of.
          manifest: the digest of its manifest.
          content: the digest of the model itself.
          promote: whether it becomes the champion at once.
          override: who pushes it although it was refused; None: it was blessed. A
            person's word makes a version of its own, for it is on record with it.
        """
        ...


def holding(found: Iterable[Version], alias: str) -> str:
    """The number of the version with that alias; '' if there is none."""
    return next((v.number for v in found if alias in v.aliases), "")


def number_of(found: Sequence[Version], name: str) -> str:
    """The version's number; '' if there is none.

    Args:
      found: all versions, newest first.
      name: a number, an alias, or `latest`: the newest push, whoever serves.
    """
    if name == LATEST and found:
        return found[0].number
    numbers = [version.number for version in found]
    return name if name in numbers else holding(found, name)


def no_version(found: Sequence[Version], name: str, where: str) -> str:
    """That there is none of that name, and which there are."""
    known = ", ".join(version.number for version in found) or "none; run the pipeline"
    if name in (CHAMPION, CANDIDATE):
        name = f"that is the {name}"
    return f"there is no version {name} in {where}. Known: {known}"


def champions(moves: Sequence[Move]) -> list[str]:
    """Who was champion, oldest first; what was rolled back is not among them.

    Args:
      moves: newest first; unfinished ones never count.
    """
    found: list[str] = []
    for move in reversed(moves):
        if not move.finished or move.champion == move.before:
            continue
        if move.action == "rollback" and move.champion in found:
            while found[-1] != move.champion:
                found.pop()
        else:
            found.append(move.champion)
    return found


def earlier(found: Sequence[str], champion: str) -> list[str]:
    """The champions before this one, as `champions` has them; a roll-back's way."""
    before = found[:-1] if found and found[-1] == champion else found
    return [number for number in before if number != champion]


def rolled_back(moves: Sequence[Move]) -> set[str]:
    """Who was rolled back, and not promoted again since."""
    back = {m.before for m in moves if m.finished and m.action == "rollback"}
    return back - set(champions(moves))


def iso(seconds: float) -> str:
    """RFC 3339 in UTC."""
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
