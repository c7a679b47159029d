"""One model on Vertex, a version for each push, aliases that move in one call."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from google.cloud import aiplatform_v1

from pipeline.errors import BusyError, CloudError, CloudUnavailable, UsageError
from pipeline.gcp import registry_models
from pipeline.gcp.registry import VertexRegistry
from pipeline.gcp.registry_moves import VertexMoves
from pipeline.registry import decisions
from pipeline.registry.versions import CANDIDATE, CHAMPION, Origin, holding
from tests.fakes import vertex_metadata
from tests.unit.pipeline.registry.serving import of

METRICS = {"auc": 0.95, "precision": 0.7, "recall": 0.8, "accuracy": 0.9}


def promote(vertex, number: str) -> None:
    registry = vertex.registry
    registry.carry_out(decisions.promotion(registry, number, "ann", "better"))


def states(vertex) -> list[str]:
    found = vertex.metadata.resources["executions"].values()
    return [execution.state.name for execution in found]


# Versions


def test_every_push_is_a_version_of_one_model_and_the_champion_is_the_default(vertex):
    vertex.push("run-1")

    version = vertex.push("run-2", code="commit 1a2b", span="7", data="span 7")

    assert version.number == "2"
    assert version.uri == "gs://bucket/serving/run-2"
    assert vertex.aliases() == {"champion": "2", "default": "2"}
    assert version.origin.run_id == "run-2"
    uploads = vertex.cloud.asked("UploadModel")
    assert [bool(upload.parent_model) for upload in uploads] == [False, True]
    assert dict(uploads[1].model.labels) == {
        "millrace-run": "run-2",
        "millrace-code": "1a2b",
        "millrace-span": "7",
        "millrace-model": of("run-2")[:32],
        "millrace-missing-number": "-9007199254740992",
    }


def test_without_promotion_a_version_is_the_candidate(vertex):
    vertex.push("run-1")

    vertex.push("run-2", promote=False)

    assert vertex.aliases() == {"champion": "1", "default": "1", "candidate": "2"}


def test_account_key_and_explanation_go_with_the_upload(vertex):
    key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    place = dataclasses.replace(
        vertex.place, service_account="a@p.iam.gserviceaccount.com", encryption_key=key
    )
    explanation = {
        "parameters": {"integrated_gradients_attribution": {"step_count": 9}}
    }
    registry = VertexRegistry(place, explanation)

    registry.push(lambda: "gs://bucket/m", Origin(run_id="run-1"), "", "", promote=True)

    [upload] = vertex.cloud.asked("UploadModel")
    sent = upload.model
    assert upload.service_account == "a@p.iam.gserviceaccount.com"
    assert sent.encryption_spec.kms_key_name == key
    assert sent.container_spec.image_uri == vertex.place.image
    parameters = sent.explanation_spec.parameters
    assert parameters.integrated_gradients_attribution.step_count == 9


def test_the_metrics_are_attached_as_an_evaluation_and_read_back(vertex):
    version = vertex.push("run-1", metrics=METRICS)

    [evaluation] = vertex.models.evaluations[version.where]
    raw = aiplatform_v1.ModelEvaluation.to_dict(evaluation)["metrics"]
    assert raw == {
        "auRoc": 0.95,
        "confidenceMetrics": [
            {"confidenceThreshold": 0.5, "precision": 0.7, "recall": 0.8}
        ],
    }
    assert vertex.registry.version("1").origin.metrics == METRICS


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("Run_20261125-165821", "run_20261125-165821"),
        ("a.b/c:d", "a-b-c-d"),
        ("x" * 70, "x" * 63),
    ],
)
def test_a_label_is_the_nearest_that_vertex_takes(vertex, value, label):
    vertex.push(value)

    assert registry_models.label(value) == label
    assert vertex.registry.version("1").origin.run_id == label


# The same model again


def test_the_champion_pushed_again_is_not_uploaded_and_nothing_moves(vertex):
    vertex.push("run-1", graph="a")

    given = vertex.given("run-2", graph="a")

    assert (given.version.number, given.is_new, given.moved) == ("1", False, False)
    assert len(vertex.cloud.asked("UploadModel")) == 1
    assert len(vertex.registry.moves()) == 1


@pytest.mark.parametrize(
    ("promote_", "place"), [(True, "champion"), (False, "candidate")]
)
def test_an_older_version_pushed_again_is_what_a_new_one_would_be(
    vertex, promote_, place
):
    vertex.push("run-1", graph="a")
    vertex.push("run-2", graph="b")

    given = vertex.given("run-3", promote=promote_, graph="a")

    assert (given.version.number, given.is_new, given.moved) == ("1", False, True)
    assert vertex.aliases()[place] == "1"
    assert len(vertex.cloud.asked("UploadModel")) == 2


def test_a_rolled_back_model_pushed_again_becomes_the_candidate_at_most(vertex):
    vertex.push("run-1", graph="good")
    vertex.push("run-2", graph="bad")
    registry = vertex.registry
    registry.carry_out(decisions.rollback(registry, None, "bob", "complaints"))

    given = vertex.given("run-3", graph="bad")

    assert (given.is_new, given.version.aliases) == (False, ("candidate",))
    assert vertex.aliases()["champion"] == "1"


# A task that is retried


@pytest.mark.parametrize(
    "method",
    [
        "ImportModelEvaluation",
        "CreateExecution",
        "MergeVersionAliases",
        "UpdateExecution",
    ],
)
def test_a_push_that_is_retried_registers_once_wherever_it_broke(vertex, method):
    vertex.cloud.faults.append((method, "INTERNAL", "it broke"))
    with pytest.raises(CloudError, match="it broke"):
        vertex.push("run-1", metrics=METRICS)

    vertex.push("run-1", metrics=METRICS)

    assert len(vertex.cloud.asked("UploadModel")) == 1
    assert len(vertex.models.evaluations[f"{vertex.place.name}@1"]) == 1
    assert vertex.aliases() == {"champion": "1", "default": "1"}
    assert [m.champion for m in vertex.registry.moves() if m.finished] == ["1"]


def test_a_retry_does_not_undo_what_a_person_decided_meanwhile(vertex):
    vertex.push("run-1")
    vertex.push("run-2")
    registry = vertex.registry
    registry.carry_out(decisions.rollback(registry, None, "bob", "complaints"))

    vertex.push("run-2")

    assert vertex.aliases()["champion"] == "1"


# Moves


def test_a_move_leaves_who_and_why_in_vertex_ml_metadata(vertex):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)

    promote(vertex, "2")

    move = vertex.registry.moves()[0]
    assert vertex.aliases() == {"champion": "2", "default": "2"}
    assert (move.actor, move.reason, move.finished) == ("ann", "better", True)
    assert (move.before, move.champion) == ("1", "2")
    assert states(vertex) == ["COMPLETE"] * 3
    merge = vertex.cloud.asked("MergeVersionAliases")[-1]
    assert list(merge.version_aliases) == ["champion", "default", "-candidate"]


def test_the_move_is_written_down_before_the_aliases_move_and_closed_after(vertex):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    before = len(vertex.cloud.calls)

    promote(vertex, "2")

    asked = [name for name, _ in vertex.cloud.calls[before:]]
    changes = [name for name in asked if not name.startswith(("List", "Get"))]
    assert changes == ["CreateExecution", "MergeVersionAliases", "UpdateExecution"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it is done."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def promote_killed_at(owner, step: str, vertex, monkeypatch) -> None:
    """Promotes version 2 in a process that dies when it comes to that step."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(Killed):
            promote(vertex, "2")


def test_a_crash_before_the_aliases_move_leaves_the_champion_and_an_unfinished_move(
    vertex, monkeypatch
):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    promote_killed_at(VertexRegistry, "_move_aliases", vertex, monkeypatch)

    last = vertex.registry.moves()[0]

    assert vertex.aliases()["champion"] == "1"
    assert (last.champion, last.finished) == ("2", False)
    assert states(vertex)[-1] == "RUNNING"


def test_a_crash_after_the_aliases_moved_counts_and_the_next_move_closes_it(
    vertex, monkeypatch
):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    promote_killed_at(VertexMoves, "end", vertex, monkeypatch)
    counted = vertex.registry.moves()[0].finished

    registry = vertex.registry
    registry.carry_out(decisions.rollback(registry, None, "bob", "complaints"))

    assert counted
    assert vertex.aliases()["champion"] == "1"
    assert states(vertex) == ["COMPLETE"] * 4


def test_a_move_whose_answer_got_lost_counts_because_the_aliases_did_move(
    vertex, monkeypatch
):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    move_aliases = VertexRegistry._move_aliases

    def lost(*arguments) -> None:
        move_aliases(*arguments)
        raise CloudUnavailable("deadline exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(VertexRegistry, "_move_aliases", lost)
        with pytest.raises(CloudUnavailable):
            promote(vertex, "2")

    registry = vertex.registry
    counted = registry.moves()[0].finished
    registry.carry_out(decisions.rollback(registry, None, "bob", "complaints"))

    assert counted
    assert states(vertex) == ["COMPLETE"] * 4
    assert vertex.aliases()["champion"] == "1"


def test_a_task_that_is_retried_at_once_does_not_wait_for_itself(vertex, monkeypatch):
    monkeypatch.setattr(vertex_metadata, "_NOW", datetime.datetime.now(datetime.UTC))
    with monkeypatch.context() as patch:
        patch.setattr(VertexRegistry, "_move_aliases", killed)
        with pytest.raises(Killed):
            vertex.push("run-1")

    vertex.push("run-1")

    assert vertex.aliases() == {"champion": "1", "default": "1"}


def test_while_a_move_is_under_way_another_one_is_told_to_wait(vertex, monkeypatch):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    monkeypatch.setattr(vertex_metadata, "_NOW", datetime.datetime.now(datetime.UTC))
    promote_killed_at(VertexRegistry, "_move_aliases", vertex, monkeypatch)

    with pytest.raises(BusyError, match="ann is moving the champion right now"):
        promote(vertex, "2")

    assert vertex.aliases()["champion"] == "1"


def test_a_move_whose_process_died_long_ago_keeps_nobody_out(vertex, monkeypatch):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    promote_killed_at(VertexRegistry, "_move_aliases", vertex, monkeypatch)
    monkeypatch.setattr("pipeline.gcp.registry_moves.GRACE_S", -1e12)

    promote(vertex, "2")

    assert vertex.aliases()["champion"] == "2"
    assert [move.finished for move in vertex.registry.moves()][:2] == [True, False]


def test_of_two_that_begin_at_once_one_gets_the_number(vertex):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    plan = decisions.promotion(vertex.registry, "2", "ann", "better")
    vertex.cloud.faults.append(("CreateExecution", "ALREADY_EXISTS", "taken"))

    with pytest.raises(BusyError, match="somebody is moving the champion right now"):
        vertex.registry.carry_out(plan)

    assert vertex.aliases()["champion"] == "1"


def test_a_plan_that_is_out_of_date_is_not_carried_out(vertex):
    for run in ("run-1", "run-2", "run-3"):
        vertex.push(run, promote=run == "run-1")
    plan = decisions.promotion(vertex.registry, "2", "ann", "better")
    promote(vertex, "3")

    with pytest.raises(BusyError, match="meanwhile version 3 became the champion"):
        vertex.registry.carry_out(plan)

    assert vertex.aliases()["champion"] == "3"


def test_aliases_that_cannot_move_leave_a_move_that_failed(vertex):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)
    vertex.cloud.faults.append(("MergeVersionAliases", "PERMISSION_DENIED", "no"))

    with pytest.raises(CloudError, match=r"move the aliases .* denied: no"):
        promote(vertex, "2")

    assert states(vertex)[-1] == "FAILED"
    assert vertex.registry.moves()[0].finished is False
    assert vertex.aliases()["champion"] == "1"


def test_a_busy_service_may_be_asked_again(vertex):
    vertex.push("run-1")
    vertex.cloud.faults.append(("ListModelVersions", "RESOURCE_EXHAUSTED", "quota"))

    with pytest.raises(CloudUnavailable, match=r"list the versions .* quota"):
        vertex.registry.versions()


# A project where nothing is yet


def test_before_the_first_push_there_is_no_version_no_move_and_then_a_store(vertex):
    stores = vertex.metadata.resources["metadataStores"]
    stores.clear()

    found, moves = vertex.registry.versions(), vertex.registry.moves()

    assert (found, moves) == ([], [])
    assert list(stores) == [vertex_metadata.STORE]


def test_a_version_that_is_not_there_is_told_with_those_that_are(vertex):
    vertex.push("run-1")

    with pytest.raises(UsageError, match=r"there is no version 9 in .*Known: 1$"):
        vertex.registry.version("9")


def test_an_alias_names_a_version_too(vertex):
    vertex.push("run-1")
    vertex.push("run-2", promote=False)

    assert vertex.registry.version(CANDIDATE).number == "2"
    assert holding(vertex.registry.versions(), CHAMPION) == "1"
