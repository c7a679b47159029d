"""Which blessed model a candidate is compared with."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy


class LatestOtherBlessedModel(resolver.ResolverStrategy):
    """The latest blessed model that is not the candidate itself.

    A run that changed nothing takes its candidate from the cache. TFX's own strategy
    would then compare that model with itself, which says nothing, and would re-run
    Evaluator and Pusher: the same model would be pushed again as a new version.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """`model` and `model_blessing` with one artifact or none; the rest as is."""
        candidates = {artifact.id for artifact in input_dict["candidate"]}
        others = {
            "model": [m for m in input_dict["model"] if m.id not in candidates],
            "model_blessing": input_dict["model_blessing"],
        }
        strategy = latest_blessed_model_strategy.LatestBlessedModelStrategy()
        return {**input_dict, **strategy.resolve_artifacts(store, others)}
