"""Executions of several contexts, read from the run's own and not the whole history.

Upstream cause: ml_metadata's wheels have no ZetaSQL, so TFX 1.21 falls back to reading
all executions of each context and intersecting them, among them every execution of the
pipeline since its first run (execution_lib.get_executions_associated_with_all_contexts
at each node's start, channel_resolver._get_executions_by_all_contexts for each input).
A run has ten executions, however many runs there were (docs/adr/0001).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

# TFX is imported when its functions are replaced.

_RUN, _NODE, _PIPELINE = "pipeline_run", "node", "pipeline"


ContextIds = dict[int, frozenset[int]]
"""Execution -> the contexts that it was put in when it was made."""


@contextlib.contextmanager
def read_first(known: ContextIds | None = None) -> Iterator[None]:
    """While it is entered, TFX's two functions start from the run's context.

    Args:
      known: kept from node to node, for MLMD has no index of an execution's contexts
        and looks through all that there are.
    """
    from tfx.orchestration.portable.input_resolution import channel_resolver
    from tfx.orchestration.portable.mlmd import execution_lib

    known = {} if known is None else known
    theirs = execution_lib.get_executions_associated_with_all_contexts
    theirs_of_channels = channel_resolver._get_executions_by_all_contexts

    def of_launch(
        metadata_handle: Any, contexts: Iterable[mlmd.Context]
    ) -> list[mlmd.Execution]:
        return executions(metadata_handle.store, list(contexts), known)

    def of_channels(
        store: metadata_store.MetadataStore, contexts: Sequence[mlmd.Context]
    ) -> list[mlmd.Execution]:
        return executions(store, contexts, known)

    execution_lib.get_executions_associated_with_all_contexts = of_launch
    channel_resolver._get_executions_by_all_contexts = of_channels
    try:
        yield
    finally:
        execution_lib.get_executions_associated_with_all_contexts = theirs
        channel_resolver._get_executions_by_all_contexts = theirs_of_channels


def executions(
    store: metadata_store.MetadataStore,
    contexts: Sequence[mlmd.Context],
    known: ContextIds,
) -> list[mlmd.Execution]:
    """Those that are in all of the contexts, in the order of their making.

    Args:
      store: where they are recorded.
      contexts: one of them the run's, or all history is read.
      known: what was read of executions before; it is added to.
    """
    if not contexts:
        return []
    needed = _without_implied(contexts)
    run = next((c for c in needed if c.type == _RUN), None)
    if run is None:
        return _intersected(store, needed)
    found = store.get_executions_by_context(run.id)
    others = {context.id for context in needed} - {run.id}
    return sorted(
        (e for e in found if others <= _context_ids(store, e, known)),
        key=lambda e: e.id,
    )


def _without_implied(contexts: Sequence[mlmd.Context]) -> list[mlmd.Context]:
    """TFX names a node's context PIPELINE.NODE: whatever is in it is the pipeline's."""
    nodes = [context.name for context in contexts if context.type == _NODE]
    return [
        context
        for context in contexts
        if not (
            context.type == _PIPELINE
            and any(name.startswith(f"{context.name}.") for name in nodes)
        )
    ]


def _context_ids(
    store: metadata_store.MetadataStore, execution: mlmd.Execution, known: ContextIds
) -> frozenset[int]:
    if execution.id not in known:
        contexts = store.get_contexts_by_execution(execution.id)
        known[execution.id] = frozenset(context.id for context in contexts)
    return known[execution.id]


def _intersected(
    store: metadata_store.MetadataStore, contexts: Sequence[mlmd.Context]
) -> list[mlmd.Execution]:
    found = [
        {e.id: e for e in store.get_executions_by_context(context.id)}
        for context in contexts
    ]
    shared = set.intersection(*(set(each) for each in found))
    return [found[0][id_] for id_ in sorted(shared)]
