"""Which blessed model a candidate is compared with."""

from __future__ import annotations

import pytest
from tfx.types import standard_artifacts

from pipeline.components import baseline


@pytest.fixture
def model():
    def model(number: int) -> standard_artifacts.Model:
        artifact = standard_artifacts.Model()
        artifact.id = number
        artifact.uri = f"models/{number}"
        return artifact

    return model


@pytest.fixture
def blessing():
    """Evaluator's word on a model; a later one has a larger id."""

    def blessing(number: int, of: int, blessed: int = 1):
        artifact = standard_artifacts.ModelBlessing()
        artifact.id = 100 + number
        artifact.set_int_custom_property("blessed", blessed)
        artifact.set_int_custom_property("current_model_id", of)
        artifact.set_string_custom_property("current_model", f"models/{of}")
        return artifact

    return blessing


def resolved(models, blessings, candidate) -> list[int]:
    found = baseline.LatestOtherBlessedModel().resolve_artifacts(
        None,
        {"model": models, "model_blessing": blessings, "candidate": [candidate]},
    )
    return [artifact.id for artifact in found["model"]]


def test_the_baseline_is_the_latest_blessed_model(model, blessing):
    models = [model(1), model(2), model(3)]
    blessings = [blessing(1, of=1), blessing(2, of=2)]

    assert resolved(models, blessings, models[2]) == [2]


def test_a_refused_model_is_no_baseline(model, blessing):
    models = [model(1), model(2), model(3)]
    blessings = [blessing(1, of=1), blessing(2, of=2, blessed=0)]

    assert resolved(models, blessings, models[2]) == [1]


def test_a_model_is_never_its_own_baseline(model, blessing):
    """A run that changed nothing takes its candidate from the cache."""
    models = [model(1), model(2)]
    blessings = [blessing(1, of=1), blessing(2, of=2)]

    assert resolved(models, blessings, models[1]) == [1]


def test_the_first_model_has_no_baseline(model, blessing):
    only = model(1)

    assert resolved([only], [], only) == []
    assert resolved([only], [blessing(1, of=1)], only) == []
