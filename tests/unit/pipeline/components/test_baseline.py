"""Which blessed model a candidate is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import standard_artifacts

from pipeline.components import baseline
from pipeline.registry import moving
from tests.unit.pipeline.registry.serving import Serving


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def model(number: int) -> standard_artifacts.Model:
        artifact = standard_artifacts.Model()
        artifact.id = number
        artifact.uri = f"models/{number}"
        Path(artifact.uri).mkdir(parents=True, exist_ok=True)
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
    found = baseline.Champion({}).resolve_artifacts(
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


def test_a_model_whose_files_are_on_another_machine_is_no_baseline(model, blessing):
    models = [model(1), model(2), model(3)]
    blessings = [blessing(1, of=1), blessing(2, of=2)]
    Path(models[1].uri).rmdir()

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


# With a registry: what is served


class Production:
    """Models 1, 2, ... that were each pushed by a run, all blessed."""

    def __init__(self, folder) -> None:
        connection = mlmd.ConnectionConfig()
        connection.fake_database.SetInParent()
        self.store = metadata_store.MetadataStore(connection)
        self.serving = Serving(folder)
        self.types = (
            self.store.put_execution_type(mlmd.ExecutionType(name="Pusher")),
            self.store.put_artifact_type(standard_artifacts.Model().artifact_type),
            self.store.put_artifact_type(
                standard_artifacts.PushedModel().artifact_type
            ),
            self.store.put_context_type(mlmd.ContextType(name="pipeline_run")),
        )

    def push(self, number: str) -> int:
        """The model's id in the store."""
        pusher, model, pushed, run = self.types
        trained = mlmd.Artifact(type_id=model, uri=f"models/{number}")
        copy = mlmd.Artifact(type_id=pushed, uri=f"pushed/{number}")
        where = str(self.serving.folder / number)
        copy.custom_properties["pushed_destination"].string_value = where
        _, [trained_id, _], _ = self.store.put_execution(
            mlmd.Execution(type_id=pusher),
            [
                (trained, _event(mlmd.Event.INPUT, "model")),
                (copy, _event(mlmd.Event.OUTPUT, "pushed_model")),
            ],
            [mlmd.Context(type_id=run, name=f"run-{number}")],
        )
        self.serving.push(number, run_id=f"run-{number}")
        return trained_id

    def rollback(self) -> None:
        registry = self.serving.registry
        registry.carry_out(moving.rollback(registry, None, "bob", "complaints"))

    def baseline(self, models, blessings, candidate) -> list[int]:
        settings = {"folder": str(self.serving.folder), "name": "taxi"}
        found = baseline.Champion({"local": settings}).resolve_artifacts(
            self.store,
            {"model": models, "model_blessing": blessings, "candidate": [candidate]},
        )
        return [artifact.id for artifact in found["model"]]


def _event(kind, key: str) -> mlmd.Event:
    event = mlmd.Event(type=kind)
    event.path.steps.add().key = key
    return event


@pytest.fixture
def production(tmp_path):
    return Production(tmp_path / "serving")


def test_after_a_rollback_the_baseline_is_what_serves_and_not_the_newest(
    production, model, blessing
):
    ids = [production.push("7"), production.push("8")]
    models = [model(number) for number in (*ids, 99)]
    blessings = [blessing(number, of=number) for number in ids]
    before = production.baseline(models, blessings, models[2])

    production.rollback()

    assert before == [ids[1]]
    assert production.baseline(models, blessings, models[2]) == [ids[0]]


def test_a_champion_that_is_the_candidate_is_compared_with_the_one_before(
    production, model, blessing
):
    """So an unchanged run after a roll-back and a push finds its verdict cached."""
    ids = [production.push("7"), production.push("8")]
    production.rollback()
    ids.append(production.push("9"))
    models = [model(number) for number in ids]
    blessings = [blessing(number, of=number) for number in ids]

    assert production.baseline(models, blessings, models[2]) == [ids[0]]


def test_a_champion_that_the_store_does_not_know_leaves_the_latest_blessed(
    production, model, blessing
):
    production.serving.push("7", run_id="of another store")
    models = [model(1), model(2)]

    assert production.baseline(models, [blessing(1, of=1)], models[1]) == [1]
