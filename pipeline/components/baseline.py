"""Which model a candidate is compared with."""

from __future__ import annotations

import json

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from pipeline.platforms.registry import RegistrySettings
from pipeline.recorded import Blessing, Pushed
from pipeline.registry.versions import Registry, champions

_OUTPUT = (
    metadata_store_pb2.Event.OUTPUT,
    metadata_store_pb2.Event.DECLARED_OUTPUT,
)


class Champion(resolver.ResolverStrategy):
    """The champion: what is served, which after a roll-back is not the newest model.

    Where nothing is served it is the latest blessed model of the pipeline. It is never
    the candidate itself: a run that changed nothing takes its candidate from the cache.
    TFX's own strategy would then compare that model with itself, which says nothing,
    and would re-run Evaluator and Pusher: the same model would be pushed again as a new
    version. So if the candidate is the champion, it is compared with the one before, as
    it was at first.

    It takes the candidate and looks for the baseline itself. As TFX resolves a channel
    of all blessed models, each run would read those of every run before
    (docs/adr/0001).
    """

    def __init__(self, registry: str) -> None:
        """Takes JSON of platforms.registry.RegistrySettings."""
        self._registry = RegistrySettings.from_dict(json.loads(registry)).opened()

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """`model` comes as the candidate, and goes as its baseline, or as nothing."""
        candidates = {artifact.id for artifact in input_dict["model"]}
        found = _served(store, self._registry, candidates)
        if found is None:
            found = _latest_blessed(store, candidates)
        return {"model": [] if found is None else [_typed(store, found)]}


def _served(
    store: mlmd.MetadataStore, registry: Registry | None, candidates: set[int]
) -> int | None:
    """The model of the champion, or of the one before when that is the candidate."""
    if registry is None:
        return None
    known = {version.number: version for version in registry.versions()}
    for number in reversed(champions(registry.moves())):
        version = known.get(number)
        if version is None:
            return None
        push = _push(store, version.origin.run_id, version.uri)
        model = None if push is None else _model_behind(store, push)
        if model not in candidates:
            return model if _is_here(store, model) else None
    return None


def _push(store: mlmd.MetadataStore, run_id: str, destination: str) -> int | None:
    """What the Pusher of that run put there."""
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    executions = store.get_executions_by_context(run.id) if run else []
    events = store.get_events_by_execution_ids([each.id for each in executions])
    for artifact in store.get_artifacts_by_id([event.artifact_id for event in events]):
        place = artifact.custom_properties[Pushed.DESTINATION].string_value
        if place == destination:
            return int(artifact.id)
    return None


def _latest_blessed(store: mlmd.MetadataStore, candidates: set[int]) -> int | None:
    """The newest model of the candidate's pipeline that was blessed and is there."""
    ours = {_pipeline_of(store, candidate) for candidate in candidates}
    blessings = store.get_artifacts_by_type("ModelBlessing")
    for blessing in sorted(blessings, key=lambda each: each.id, reverse=True):
        if blessing.custom_properties[Blessing.BLESSED].int_value != 1:
            continue
        model = _model_behind(store, blessing.id)
        if model in candidates or not _is_here(store, model):
            continue
        # Last, for MLMD looks through all associations for it.
        if _pipeline_of(store, blessing.id) in ours:
            return model
    return None


def _is_here(store: mlmd.MetadataStore, model: int | None) -> bool:
    """Whether it was neither collected nor damaged, and is no other machine's."""
    if model is None:
        return False
    [found] = store.get_artifacts_by_id([model])
    is_live = found.state == metadata_store_pb2.Artifact.LIVE
    return is_live and bool(fileio.exists(found.uri))


def _model_behind(store: mlmd.MetadataStore, artifact: int) -> int | None:
    """The model that was given to the node that made this."""
    for event in store.get_events_by_execution_ids([_maker_of(store, artifact)]):
        taken = event.type == metadata_store_pb2.Event.INPUT
        if taken and event.path.steps[0].key == "model":
            return int(event.artifact_id)
    return None


def _pipeline_of(store: mlmd.MetadataStore, artifact: int) -> int | None:
    """The context of the pipeline that made this."""
    contexts = store.get_contexts_by_execution(_maker_of(store, artifact))
    return next((each.id for each in contexts if each.type == "pipeline"), None)


def _maker_of(store: mlmd.MetadataStore, artifact: int) -> int:
    """The execution that put it out first; those after took it from the cache."""
    events = store.get_events_by_artifact_ids([artifact])
    return min(event.execution_id for event in events if event.type in _OUTPUT)


def _typed(store: mlmd.MetadataStore, artifact: int) -> types.Artifact:
    [found] = store.get_artifacts_by_id([artifact])
    [type_] = store.get_artifact_types_by_id([found.type_id])
    return artifact_utils.deserialize_artifact(type_, found)
