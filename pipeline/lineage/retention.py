"""gc: which payloads may go, which stay and why, and dropping them.

An artifact is marked DELETED first, and its files go then. A crash between the two
leaves files that nobody offers any more, and the next gc removes them; the other way
round it would leave half a folder, which TFX's cache takes for a whole one.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.config import layers
from pipeline.config.config import Config
from pipeline.errors import BusyError
from pipeline.lineage import graph, history
from pipeline.metadata import connections, ownership
from pipeline.metadata.records import Artifact, Store
from pipeline.recorded import Payload, Pushed
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import (
    CANDIDATE,
    CHAMPION,
    champions,
    earlier,
    holding,
)
from pipeline.runs.folder import LOG_FILE

_CONFIGURED = "the configuration names a file of it"
_FACTS = (*graph.PUSH_FACTS, Payload.DELETED_AT)


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A folder or file that goes."""

    path: str
    size: int
    """Bytes."""

    artifact: str
    """The artifact's id; '' for the log of a run."""

    type: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """What gc does, and what it leaves."""

    runs: tuple[str, ...]
    """Older than the newest N."""

    dropped: tuple[Dropped, ...]
    kept: dict[str, int]
    """Why an artifact of these runs stays -> how many do."""

    @property
    def size(self) -> int:
        """Bytes that come free."""
        return sum(each.size for each in self.dropped)

    @property
    def artifacts(self) -> tuple[str, ...]:
        """Ids of those whose files go."""
        return tuple(dict.fromkeys(d.artifact for d in self.dropped if d.artifact))


class _Stays:
    """Places that nothing may be deleted of, around or inside."""

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = set(places)
        self._around = {parent for place in self._places for parent in place.parents}

    def overlap(self, place: Path) -> bool:
        """Whether the place is one of them, holds one, or lies in one."""
        return (
            place in self._places
            or place in self._around
            or not self._places.isdisjoint(place.parents)
        )


class Retention:
    """One pipeline's payloads below one output root."""

    def __init__(self, store: Store, config: Config, registry: LocalRegistry) -> None:
        """Reads nothing yet; the caller holds the output root when it carries out."""
        self._store, self._config, self._registry = store, config, registry
        self._pipeline = config.pipeline_name

    def plan(self, keep_last: int, keep_champions: bool) -> Plan:
        """What would go.

        Args:
          keep_last: how many of the newest runs keep everything.
          keep_champions: spare all that ever were champion, not only the one now.

        Raises:
          UsageError: the registry's pointer cannot be read.
        """
        runs = [run.id for run in self._store.runs(self._pipeline, ())]
        own = ownership.Owner(self._store, self._config).runs(runs)
        old = own[: -keep_last or None]
        others = [run for run in runs if run not in set(old)]
        everything = {
            artifact.id: artifact
            for type_ in graph.TYPES
            for artifact in self._store.artifacts(self._pipeline, type_, _FACTS)
        }
        wanted = {
            **dict.fromkeys(self._used_by(others), "a kept run uses it"),
            **self._served(everything.values(), keep_champions),
        }
        real = {id_: _real(artifact) for id_, artifact in everything.items()}
        reasons = {id_: why for id_, why in wanted.items() if id_ in everything}
        reasons |= dict.fromkeys(self._configured(real), _CONFIGURED)
        stays = _Stays(place for id_ in reasons for place in real[id_])
        dropped: list[Dropped] = []
        kept: Counter[str] = Counter()
        for artifact in everything.values():
            there = [p for p in _places(artifact) if os.path.lexists(p)]
            if not there or artifact.state not in ("LIVE", "DELETED"):
                continue  # or a node is writing it
            reason = reasons.get(artifact.id) or self._outside(real[artifact.id], stays)
            if reason:
                kept[reason] += 1
            else:
                dropped += [
                    Dropped(p, _size(Path(p)), artifact.id, artifact.type)
                    for p in there
                ]
        dropped += self._logs(old)
        return Plan(tuple(old), tuple(dropped), dict(sorted(kept.items())))

    def carry_out(self, plan: Plan, keep_last: int, keep_champions: bool) -> None:
        """Does what was shown, while nobody can promote what goes.

        Raises:
          BusyError: meanwhile another plan would be right; nothing was done.
          UsageError: the store cannot be written.
        """
        with self._registry.locked():
            if self.plan(keep_last, keep_champions) != plan:
                raise BusyError(
                    "meanwhile a version was pushed or moved, or files changed. Look "
                    "at the plan again: gc --dry-run. Nothing was deleted"
                )
            mark_deleted(self._config.store, plan.artifacts)
            for each in plan.dropped:
                _remove(Path(each.path))

    def _used_by(self, runs: Sequence[str]) -> set[str]:
        """What these runs put out, took from the cache, or took in."""
        executions = [
            execution
            for run in runs
            for execution in self._store.executions_of_run(self._pipeline, run)
        ]
        return {e.artifact for e in self._store.events_of_executions(executions)}

    def _served(
        self, everything: Iterable[Artifact], keep_champions: bool
    ) -> dict[str, str]:
        """Artifact -> why, of the versions that stay and of all they were made of."""
        found = self._registry.versions()
        champion, candidate = holding(found, CHAMPION), holding(found, CANDIDATE)
        moves = self._registry.moves()
        back = earlier(champions(moves), champion)[-1:]
        numbers = {
            **dict.fromkeys(back, "to roll back to, or made into it"),
            candidate: "the candidate, or made into it",
            champion: "the champion, or made into it",
        }
        if keep_champions:
            past = {m.champion for m in moves if m.finished} - {""}
            words = "was champion, or made into one that was"
            numbers = {**dict.fromkeys(past, words), **numbers}
        paths = {os.path.join(self._registry.where, n): w for n, w in numbers.items()}
        roots = {
            artifact.id: paths[artifact.text(Pushed.DESTINATION)]
            for artifact in everything
            if artifact.text(Pushed.DESTINATION) in paths
        }
        if not champion:  # no registry yet: the newest push serves
            newest = history.champion_now(self._store, self._pipeline)
            roots |= {newest.id: numbers[""]} if newest else {}
        return self._with_ancestors(roots)

    def _with_ancestors(self, roots: dict[str, str]) -> dict[str, str]:
        reasons: dict[str, str] = {}
        for root in self._store.artifacts_by_id(roots):
            above = graph.ancestry(self._store, self._pipeline, root)
            for id_ in set(above.artifacts) - above.compared:
                reasons.setdefault(id_, roots[root.id])
        return reasons

    def _outside(self, places: Sequence[Path], stays: _Stays) -> str:
        """Why files must not be touched here, whoever made them; '' if they may."""
        root = Path(self._config.output_root).resolve()
        own = (
            Path(self._config.artifacts_path).resolve(),
            Path(self._registry.where).resolve(),
        )
        for place in places:
            inside = root in place.parents and any(o in place.parents for o in own)
            if not inside:
                return "outside the output root"
            if stays.overlap(place):
                return "files that stay are in its folder"
        return ""

    def _configured(self, real: Mapping[str, Sequence[Path]]) -> Iterable[str]:
        """Artifacts with a file that the configuration names: baseline statistics."""
        values = (
            value for _, value in layers.leaves(self._config.model_dump(mode="json"))
        )
        named = [Path(v).resolve() for v in values if isinstance(v, str) and v]
        around = {folder for path in named for folder in (path, *path.parents)}
        return [id_ for id_, places in real.items() if around.intersection(places)]

    def _logs(self, runs: Sequence[str]) -> list[Dropped]:
        """Summary, configuration and report of a run are small, and stay."""
        folder = Path(self._config.output_root) / "runs"
        logs = [folder / run / LOG_FILE for run in runs]
        return [
            Dropped(str(log), _size(log), "", "run log") for log in logs if log.exists()
        ]


def mark_deleted(uri: str, artifacts: Sequence[str]) -> None:
    """Says in the store that the files are gone, since when, and by whom.

    Raises:
      UsageError: the store cannot be written.
    """
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    from pipeline.metadata import library

    connections.require_writable(uri, "gc")
    store = library.opened(uri)
    found = store.get_artifacts_by_id([int(id_) for id_ in artifacts])
    fresh = [a for a in found if Payload.DELETED_AT not in a.custom_properties]
    for artifact in fresh:
        artifact.state = mlmd.Artifact.DELETED
        at = artifact.custom_properties[Payload.DELETED_AT]
        at.string_value = f"{time.time():.3f}"
    if fresh:
        store.put_artifacts(fresh)


def _places(artifact: Artifact) -> list[str]:
    """Where its files are: its own folder, and of a pushed model the served one."""
    places = [artifact.uri, artifact.text(Pushed.DESTINATION)]
    return list(dict.fromkeys(place for place in places if place))


def _real(artifact: Artifact) -> list[Path]:
    """The same, wherever links lead."""
    return [Path(place).resolve() for place in _places(artifact)]


def _size(place: Path) -> int:
    files = [place] if place.is_file() else place.rglob("*")
    return sum(f.lstat().st_size for f in files if not f.is_dir() or f.is_symlink())


def _remove(place: Path) -> None:
    """A link goes, never what it points to; a value's folder goes with the value."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
        if place.name == "value" and not any(place.parent.iterdir()):
            place.parent.rmdir()
