"""Which model a candidate is compared with."""

from __future__ import annotations

import json

import pytest
from tfx.types import standard_artifacts

from pipeline.components import baseline
from pipeline.recorded import Pushed
from pipeline.registry import decisions
from tests import histories
from tests.histories import Spec
from tests.unit.pipeline.registry.serving import Serving

REFUSED = Spec(code=7, good=False)


class Production:
    """Recorded runs, and the folder that they pushed to."""

    def __init__(self, folder) -> None:
        self.store = histories.open_store(str(folder / "metadata.sqlite"))
        self.serving = Serving(folder / "serving")
        self.models = folder / "models"

    def runs(self, *specs: Spec) -> None:
        """Models 1, 2, ..., each by the run of its number, none of them served."""
        histories.write(self.store, specs)
        models = self.store.get_artifacts_by_type("Model")
        for model in models:
            folder = self.models / model.uri.rpartition("/")[2]
            folder.mkdir(parents=True)
            model.uri = str(folder)
        self.store.put_artifacts(models)

    def serve(self, number: int) -> None:
        """The registry knows what that run pushed."""
        [pushed] = self.store.get_artifacts_by_uri(
            f"/out/trips/Pusher/pushed_model/{number}"
        )
        where = str(self.serving.folder / str(number))
        pushed.custom_properties[Pushed.DESTINATION].string_value = where
        self.store.put_artifacts([pushed])
        self.serving.push(str(number), run_id=f"run-{number:05d}")

    def rollback(self) -> None:
        registry = self.serving.registry
        registry.carry_out(decisions.rollback(registry, None, "bob", "complaints"))

    def baseline_of(self, number: int) -> list[str]:
        """Numbers of the models that model is compared with."""
        candidate = standard_artifacts.Model()
        [model] = self.store.get_artifacts_by_uri(str(self.models / str(number)))
        candidate.set_mlmd_artifact(model)
        settings = {"folder": str(self.serving.folder), "name": "taxi"}
        found = baseline.Champion(json.dumps({"local": settings})).resolve_artifacts(
            self.store, {"model": [candidate]}
        )
        return [artifact.uri.rpartition("/")[2] for artifact in found["model"]]


@pytest.fixture
def production(tmp_path):
    return Production(tmp_path)


# Nothing is served


def test_the_baseline_is_the_latest_blessed_model(production):
    production.runs(Spec(), Spec(code=1), Spec(code=2))

    assert production.baseline_of(3) == ["2"]


def test_a_refused_model_is_no_baseline(production):
    production.runs(Spec(), REFUSED, Spec(code=2))

    assert production.baseline_of(3) == ["1"]


def test_a_model_is_never_its_own_baseline(production):
    """A run that changed nothing takes its candidate from the cache."""
    production.runs(Spec(), Spec(code=1), Spec(code=1))

    assert production.baseline_of(2) == ["1"]


def test_the_first_model_has_no_baseline(production):
    production.runs(Spec())

    assert production.baseline_of(1) == []


def test_a_model_of_another_pipeline_is_no_baseline(production):
    production.runs(Spec(pipeline="penguins"), Spec())

    assert production.baseline_of(2) == []


def test_a_model_that_was_collected_or_is_on_another_machine_is_no_baseline(production):
    production.runs(Spec(), Spec(code=1), Spec(code=2))
    (production.models / "2").rmdir()

    assert production.baseline_of(3) == ["1"]


# With a registry: what is served


def test_after_a_rollback_the_baseline_is_what_serves_and_not_the_newest(production):
    production.runs(Spec(), Spec(code=1), Spec(code=2))
    production.serve(1)
    production.serve(2)
    before = production.baseline_of(3)

    production.rollback()

    assert before == ["2"]
    assert production.baseline_of(3) == ["1"]


def test_a_champion_that_is_the_candidate_is_compared_with_the_one_before(production):
    """So an unchanged run after a roll-back and a push finds its verdict cached."""
    production.runs(Spec(), Spec(code=1), Spec(code=2))
    production.serve(1)
    production.serve(2)
    production.rollback()
    production.serve(3)

    assert production.baseline_of(3) == ["1"]


def test_a_champion_that_the_store_does_not_know_leaves_the_latest_blessed(production):
    production.runs(Spec(), Spec(code=1))
    production.serving.push("7", run_id="of another store")

    assert production.baseline_of(2) == ["1"]


def test_a_refused_model_that_is_served_is_what_the_next_one_must_beat(production):
    production.runs(Spec(), Spec(code=1), Spec(code=2))
    production.serve(1)
    production.serve(2)
    [verdict] = production.store.get_artifacts_by_uri("/out/trips/Evaluator/blessing/2")
    verdict.custom_properties["blessed"].int_value = 0
    production.store.put_artifacts([verdict])

    assert production.baseline_of(3) == ["2"]
