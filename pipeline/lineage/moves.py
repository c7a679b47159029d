"""What people moved where the models of a pipeline are served: roll-backs, overrides.

A push is on record by its run. A move of the champion is the registry's, in the folder
that was pushed to; from there it comes into the store, so that whoever has the store
needs nothing else. What a crash kept from the store is read in the folder.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from pipeline.config import metadata as metadata_config
from pipeline.errors import MillraceError
from pipeline.lineage import history
from pipeline.metadata import connections, sql
from pipeline.metadata.records import Execution, Store
from pipeline.recorded import Move as Names
from pipeline.recorded import Pushed
from pipeline.registry import decisions
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Move, Registry

# ml_metadata is imported when something is written.


def of_pipeline(store: Store, pipeline: str) -> list[Move]:
    """In their order.

    Raises:
      UsageError: the registry's pointer cannot be read.
    """
    recorded = [
        _recorded(execution)
        for execution in store.executions_of_node(pipeline, Names.TYPE)
    ]
    known = {move.id for move in recorded}
    newer = [m for m in _in_folder(store, pipeline) if m.id not in known]
    return [*recorded, *_not_recorded(store, pipeline, newer)]


def _not_recorded(store: Store, pipeline: str, moves: Sequence[Move]) -> Iterator[Move]:
    """Those by people, and pushes after the newest that is on record."""
    newest = history.newest_push(store, pipeline)
    version = newest.text(Pushed.VERSION) if newest else ""
    numbers = [move.pushed for move in moves]
    seen = len(numbers) - numbers[::-1].index(version) if version in numbers else 0
    by_people = list(_by_people(moves))
    for place, move in enumerate(moves):
        is_late = move.finished and move.action == "push" and place >= seen
        if move in by_people or (is_late and move.champion != move.before):
            yield move


class ChampionMoves:
    """Moves the champion of a pipeline, and keeps every move on record.

    The registry's journal is what makes a move take effect; MLMD follows.
    """

    def __init__(self, registry: Registry, store: str, pipeline: str) -> None:
        """Moves nothing yet.

        Args:
          registry: of the pipeline's models.
          store: of the configuration; '': the registry writes its moves down itself,
            as Vertex's does. A file that is not there stays so.
          pipeline: its name.
        """
        self.registry = registry
        self._store, self._pipeline = store, pipeline

    def promotion(self, number: str, actor: str, reason: str) -> Move:
        """The move that makes that version the champion.

        Raises:
          UsageError: as `decisions.promotion`.
        """
        return decisions.promotion(self.registry, number, actor, reason)

    def rollback(self, number: str | None, actor: str, reason: str) -> Move:
        """The move that makes an earlier champion it again.

        Raises:
          UsageError: as `decisions.rollback`.
        """
        return decisions.rollback(self.registry, number, actor, reason)

    def carry_out(self, move: Move, note: Callable[[str], None]) -> Move:
        """Does it, and puts it on record; a store that is away holds nothing up.

        Args:
          move: of `promotion` or `rollback`.
          note: called with why it is not on record yet, if it is not.

        Raises:
          UsageError: the registry is not as it was when the move was planned.
          CloudError: the service refused.
        """
        from ml_metadata.errors import StatusError

        done = self.registry.carry_out(move)
        try:
            self.settle()
        except (MillraceError, StatusError) as error:
            note(
                f"the metadata store does not have this move yet: {error}. The next "
                "run, or the next move, puts it there"
            )
        return done

    def settle(self) -> None:
        """Writes into the store what people moved and what is not on record there yet.

        Raises:
          MillraceError: as `library.opened`.
          StatusError: MLMD's, when it cannot write.
        """
        self._keep(list(_by_people(reversed(self.registry.moves()))))

    def keep(self, move: Move) -> None:
        """The same of a push whose own record came late: it says when it was served.

        Raises:
          MillraceError: as `library.opened`.
          StatusError: MLMD's, when it cannot write.
        """
        self._keep([move])

    def _keep(self, moves: Sequence[Move]) -> None:
        is_there = metadata_config.is_server(self._store) or os.path.isfile(self._store)
        if not (moves and is_there):
            return
        with contextlib.closing(connections.opened(self._store)) as connection:
            recorded = sql.SqlStore(connection).executions_of_node(
                self._pipeline, Names.TYPE
            )
        known = {execution.text(Names.ID) for execution in recorded}
        if missing := [move for move in moves if move.id not in known]:
            _write(self._store, self._pipeline, missing)


def _write(uri: str, pipeline: str, moves: Sequence[Move]) -> None:
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    from pipeline.metadata import library

    store = library.opened(uri)
    contexts = store.get_contexts_by_id(
        [
            library.context(store, "pipeline", pipeline),
            library.context(store, "node", f"{pipeline}.{Names.TYPE}"),
        ]
    )
    type_id = store.put_execution_type(
        mlmd.ExecutionType(name=Names.TYPE), can_omit_fields=True
    )
    for move in moves:
        # MLMD holds a name once: of two that write the same move, one fails.
        execution = mlmd.Execution(
            type_id=type_id,
            name=f"{pipeline}.{move.id}",
            last_known_state=mlmd.Execution.COMPLETE,
        )
        for key, value in _properties(move).items():
            execution.custom_properties[key].string_value = value
        store.put_execution(execution, [], contexts)


def _properties(move: Move) -> dict[str, str]:
    return {
        Names.ID: move.id,
        Names.ACTION: move.action,
        Names.BEFORE: move.before,
        Names.CHAMPION: move.champion,
        Names.ACTOR: move.actor,
        Names.REASON: move.reason,
        Names.AT: f"{move.at:.3f}",
    }


def _recorded(execution: Execution) -> Move:
    return Move(
        action=execution.text(Names.ACTION),  # type: ignore[arg-type]
        before=execution.text(Names.BEFORE),
        champion=execution.text(Names.CHAMPION),
        candidate="",
        actor=execution.text(Names.ACTOR),
        reason=execution.text(Names.REASON),
        id=execution.text(Names.ID),
        at=float(execution.text(Names.AT) or execution.created),
    )


def _in_folder(store: Store, pipeline: str) -> Iterator[Move]:
    """In the order of the journal; nothing when the folder is not to be seen here."""
    newest = history.newest_push(store, pipeline)
    folder = os.path.dirname(newest.text(Pushed.DESTINATION)) if newest else ""
    if os.path.isdir(folder):
        yield from reversed(LocalRegistry(folder, pipeline).moves())


def _by_people(moves: Iterable[Move]) -> Iterator[Move]:
    """Those that took effect; a push that brings the champion is on record itself."""
    for move in moves:
        if move.finished and move.action != "push" and move.champion != move.before:
            yield move
