"""What people moved where the models of a pipeline are served: roll-backs, overrides.

A push is in the store; a move of the champion is in the folder that was pushed to,
which the store names. Whoever has the store and that folder needs no configuration.
"""

from __future__ import annotations

import os

from pipeline.lineage import history
from pipeline.lineage.records import Store
from pipeline.recorded import Pushed
from pipeline.registry.local import LocalRegistry


def of_pipeline(store: Store, pipeline: str) -> list[history.Move] | None:
    """In their order; None when the folder is not to be seen from here.

    Raises:
      UsageError: the registry's pointer cannot be read.
    """
    newest = history.newest_push(store, pipeline)
    if newest is None:
        return []
    folder = os.path.dirname(newest.text(Pushed.DESTINATION))
    if not os.path.isdir(folder):
        return None
    return [
        history.Move(move.at, move.champion, move.actor, move.reason)
        for move in reversed(LocalRegistry(folder, pipeline).moves())
        if move.finished and move.action != "push" and move.champion != move.before
    ]
