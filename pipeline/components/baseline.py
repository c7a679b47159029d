"""Which blessed model a candidate is compared with."""

from __future__ import annotations

from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy
from tfx.dsl.io import fileio

from pipeline.registry import places
from pipeline.registry.versions import Registry, champions


class Champion(resolver.ResolverStrategy):
    """The champion: what is served, which after a roll-back is not the newest model.

    Without one it is the latest blessed model that is not the candidate itself. A run
    that changed nothing takes its candidate from the cache. TFX's own strategy would
    then compare that model with itself, which says nothing, and would re-run Evaluator
    and Pusher: the same model would be pushed again as a new version. So if the
    candidate is the champion, it is compared with the one before, as it was at first.
    """

    def __init__(self, registry: dict[str, Any]) -> None:
        """Takes the registry's settings (registry/places.py)."""
        self._registry = places.at(registry)

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """`model` and `model_blessing` with one artifact or none; the rest as is."""
        candidates = {artifact.id for artifact in input_dict["candidate"]}
        models = [
            model
            for model in input_dict["model"]
            # In a shared store another machine's, whose files are not here, is none.
            if model.id not in candidates and fileio.exists(model.uri)
        ]
        served = _served(store, self._registry, candidates)
        for wanted in ([m for m in models if m.id == served], models):
            others = {"model": wanted, "model_blessing": input_dict["model_blessing"]}
            strategy = latest_blessed_model_strategy.LatestBlessedModelStrategy()
            found = strategy.resolve_artifacts(store, others)
            if found["model"]:
                break
        return {**input_dict, **found}


def _served(
    store: mlmd.MetadataStore, registry: Registry | None, candidates: set[int]
) -> int | None:
    """The artifact of the champion, or of the one before when that is the candidate."""
    if registry is None:
        return None
    known = {version.number: version for version in registry.versions()}
    for number in reversed(champions(registry.moves())):
        version = known.get(number)
        if version is None:
            return None
        model = _model_of(store, version.origin.run_id, version.uri)
        if model not in candidates:
            return model
    return None


def _model_of(store: mlmd.MetadataStore, run_id: str, pushed_to: str) -> int | None:
    """The model that the Pusher of that run put there."""
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    executions = store.get_executions_by_context(run.id) if run else []
    events = store.get_events_by_execution_ids([each.id for each in executions])
    artifacts = store.get_artifacts_by_id([event.artifact_id for event in events])
    there = {
        artifact.id
        for artifact in artifacts
        if artifact.custom_properties["pushed_destination"].string_value == pushed_to
    }
    pushers = {event.execution_id for event in events if event.artifact_id in there}
    for event in events:
        taken = event.type == metadata_store_pb2.Event.INPUT
        by_pusher = taken and event.execution_id in pushers
        if by_pusher and event.path.steps[0].key == "model":
            return event.artifact_id
    return None
