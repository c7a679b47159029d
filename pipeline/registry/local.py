"""A serving folder as a registry; TensorFlow Serving follows its pointer.

FOLDER/
  1795559940/     a version, with its manifest
  models.config   the pointer: replacing it is what makes a move take effect
  moves.jsonl     the moves, each written before it takes effect
  .lock           one writer at a time; the kernel drops it with the process
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline import files
from pipeline.errors import BusyError, UsageError
from pipeline.registry import decisions, journal, manifest, pointer
from pipeline.registry.versions import (
    CANDIDATE,
    CHAMPION,
    Move,
    Origin,
    Override,
    Push,
    Version,
    no_version,
    number_of,
)

# What TensorFlow Serving takes for a version.
_NUMBER = re.compile("[0-9]+")


@dataclasses.dataclass(frozen=True)
class LocalPlace:
    """Where a local registry is, in plain values."""

    folder: str
    """The folder of the versions."""

    name: str
    """The name of the model."""

    seen_as: str = ""
    """The folder as the model server sees it; '' is the same path."""


class LocalRegistry:
    """The versions of one model in one folder."""

    def __init__(self, folder: str, name: str, seen_as: str = "") -> None:
        """Reads nothing yet.

        Args:
          folder: of the versions.
          name: of the model.
          seen_as: the folder as the model server sees it; '' is the same path.
        """
        self.where = folder
        self._folder, self._name = Path(folder), name
        self._seen_as = seen_as or folder

    def versions(self) -> list[Version]:
        """All of them, newest first; their files are looked at, not read."""
        return [self._version(number, thorough=False) for number in self._numbers()]

    def version(self, number: str) -> Version:
        """The version of that number or alias, or the latest.

        Every byte is compared with what was pushed.
        """
        known = self.versions()
        found = number_of(known, number)
        if not found:
            raise UsageError(no_version(known, number, self.where))
        return self._version(found, thorough=True)

    def moves(self) -> list[Move]:
        """All of them, newest first."""
        return journal.read(self._folder, self._pointer().move)

    def carry_out(self, move: Move) -> Move:
        """Does it, at once or not at all."""
        with self.locked():
            return self._commit(move)

    def push(
        self,
        copy: Callable[[], str],
        origin: Origin,
        manifest: str,
        content: str,
        promote: bool,
        override: Override | None = None,
    ) -> Push:
        """Takes in a new version; if that fails, nothing of it stays."""
        with self.locked():
            self._pointer()  # one that cannot be read is told before anything is copied
            for half in self._folder.glob(".incoming-*"):  # of a push that was killed
                shutil.rmtree(half)
            if twin := None if override else self._twin(content):
                return self._again(twin, promote, origin.run_id)
            added = self._folder / Path(copy()).name
            try:
                move = self._push_of(added, origin.run_id, manifest, promote, override)
                self._commit(move)
            except BaseException:
                now = self._pointer()
                if added.name not in (now.champion, now.candidate):
                    shutil.rmtree(added, ignore_errors=True)
                raise
        return Push(version=self._version(added.name, thorough=False))

    def _twin(self, content: str) -> Version | None:
        """The newest version that holds this model, whole; what a killed push left is
        not a version.
        """
        pushed = {move.pushed for move in self.moves() if move.finished}
        same = [
            version.number
            for version in self.versions()
            if version.number in pushed and version.is_same(content)
        ]
        whole = (self.version(number) for number in same)
        return next((version for version in whole if not version.problem), None)

    def _again(self, twin: Version, promote: bool, run_id: str) -> Push:
        move = decisions.again(self.versions(), self.moves(), twin, promote, run_id)
        if move:
            self._commit(move)
        now = self._version(twin.number, thorough=False)
        return Push(version=now, is_new=False, moved=move is not None)

    def discard(self, run_id: str) -> None:
        """Removes what a run copied here and no move that took effect ever brought."""
        with self.locked():
            moves = self.moves()
            known = {n for m in moves if m.finished for n in (m.champion, m.candidate)}
            for version in self.versions():
                if version.origin.run_id == run_id and version.number not in known:
                    shutil.rmtree(self._folder / version.number)

    def _commit(self, move: Move) -> Move:
        """The two steps, in the order that a crash between them does no harm."""
        now = self._pointer()
        if now.champion != move.before:
            raise BusyError(
                f"meanwhile version {now.champion or 'none'} became the champion of "
                f"{self.where}, and not {move.before or 'none'} any more. Look at "
                "`model history`, and decide again"
            )
        move = dataclasses.replace(move, id=_new_id(), at=time.time())
        self._require_usable(move, now)
        journal.append(self._folder, move, after=now.move)
        then = pointer.Pointer(move.champion, move.candidate, move.id)
        pointer.replace(self._folder, pointer.text(then, self._name, self._seen_as))
        return move

    def _push_of(
        self,
        added: Path,
        run_id: str,
        manifest: str,
        promote: bool,
        override: Override | None,
    ) -> Move:
        now = self._pointer()
        return Move(
            action="override" if override else "push",
            before=now.champion,
            champion=added.name if promote else now.champion,
            candidate=now.candidate if promote else added.name,
            actor=override.by if override else f"run {run_id}",
            reason=override.reason if override else "blessed, and it serves",
            run_id=run_id,
            manifest=manifest,
        )

    def _require_usable(self, move: Move, now: pointer.Pointer) -> None:
        """Whoever comes in must be whole; whoever stays is not looked at again."""
        coming = {
            move.champion if move.champion != now.champion else "",
            move.candidate if move.candidate != now.candidate else "",
        }
        for number in coming - {""}:
            recorded = move.manifest or self._recorded().get(number, "")
            problem = manifest.problem(self._folder / number, recorded)
            if problem:
                raise UsageError(
                    f"version {number} cannot serve: {problem}. "
                    "What serves now was not touched"
                )

    def _numbers(self) -> list[str]:
        """What is there, and what should be; newest first."""
        now = self._pointer()
        there = {p.name for p in self._folder.glob("*") if _NUMBER.fullmatch(p.name)}
        return sorted(
            there | {now.champion, now.candidate} - {""}, key=int, reverse=True
        )

    def _version(self, number: str, thorough: bool) -> Version:
        folder, now = self._folder / number, self._pointer()
        found = manifest.read(folder)
        aliases = {CHAMPION: now.champion, CANDIDATE: now.candidate}
        return Version(
            number=number,
            where=str(folder),
            uri=str(folder),
            origin=found.origin if found else Origin(),
            content=found.content if found else "",
            files=found.digest if found else "",
            aliases=tuple(name for name, of in aliases.items() if of == number),
            created=folder.stat().st_mtime if folder.is_dir() else 0.0,
            problem=manifest.problem(
                folder, self._recorded().get(number, ""), thorough
            ),
        )

    def _recorded(self) -> dict[str, str]:
        """Version -> digest of its manifest, as its push has it on record."""
        return {move.pushed: move.manifest for move in self.moves() if move.pushed}

    def _pointer(self) -> pointer.Pointer:
        return pointer.read(self._folder, self._name)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder: nobody else moves or pushes. Waits for whoever does."""
        try:
            files.make_folder(self._folder)
            file = (self._folder / ".lock").open("a", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{self.where} cannot be written: {error.strerror}"
            ) from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _new_id() -> str:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    return f"{now}-{secrets.token_hex(3)}"
