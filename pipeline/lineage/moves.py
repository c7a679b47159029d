"""What people moved where the models of a pipeline are served: roll-backs, overrides.

A push is on record by its run. A move of the champion is the registry's, in the folder
that was pushed to; from there it comes into the store, so that whoever has the store
needs nothing else. What a crash kept from the store is read in the folder.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence

from pipeline.config import metadata as metadata_config
from pipeline.lineage import history
from pipeline.metadata import connections, sql
from pipeline.metadata.records import Execution, Store
from pipeline.recorded import Move as Names
from pipeline.recorded import Pushed
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
    return list(_by_people([*recorded, *newer]))


def keep(uri: str, pipeline: str, registry: Registry) -> None:
    """Writes into the store what people moved and what is not on record there yet.

    Args:
      uri: of the configuration's `store`; a file that is not there stays so.
      pipeline: whose models the registry holds.
      registry: a local one; Vertex's writes its moves down itself.

    Raises:
      MillraceError: as `library.opened`.
      StatusError: MLMD's, when it cannot write.
    """
    moves = list(_by_people(reversed(registry.moves())))
    if not moves or not (metadata_config.is_server(uri) or os.path.isfile(uri)):
        return
    with contextlib.closing(connections.opened(uri)) as connection:
        recorded = sql.SqlStore(connection).executions_of_node(pipeline, Names.TYPE)
    known = {execution.text(Names.ID) for execution in recorded}
    if missing := [move for move in moves if move.id not in known]:
        _write(uri, pipeline, missing)


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
