"""What nodes put out is recorded, and compared before it is used again."""

from __future__ import annotations

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration.portable import cache_utils, outputs_utils
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import standard_artifacts

from pipeline.local import outputs
from pipeline.recorded import Payload, Pushed
from tests import histories
from tests.unit.pipeline.registry.serving import Serving


@pytest.fixture
def model(tmp_path):
    """A model's artifact of two files, as its node put it out."""
    made = standard_artifacts.Model()
    made.uri = str(tmp_path / "Trainer" / "model" / "5")
    for name, text in {"graph.pb": "graph", "variables/data": "weights"}.items():
        file = tmp_path / "Trainer" / "model" / "5" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return made


def properties(artifact) -> dict:
    found = artifact.mlmd_artifact.custom_properties
    return {name: value.string_value for name, value in found.items()}


def damage(artifact, tmp_path, how: str) -> None:
    file = tmp_path / "Trainer" / "model" / "5" / "variables" / "data"
    if how == "cut":
        file.write_text("")
    elif how == "missing":
        file.unlink()
    elif how == "new":
        file.with_name("more").write_text("a shard that no node wrote")
    else:
        file.write_text("WEIGHTS")


WORDS = {
    "cut": "variables/data has 0 bytes, not 7",
    "missing": "variables/data is missing",
    "new": "variables/more is new",
}


@pytest.mark.parametrize("how", WORDS)
def test_by_names_and_sizes_a_damaged_folder_is_found(model, tmp_path, how):
    outputs.keep({"model": [model]}, None)
    assert outputs.problem(model.uri, properties(model), thorough=False) == ""

    damage(model, tmp_path, how)

    found = outputs.problem(model.uri, properties(model), thorough=False)
    assert found == f"{model.uri}: {WORDS[how]}"


def test_other_bytes_of_the_same_size_are_found_where_contents_are_compared(
    model, tmp_path
):
    outputs.keep({"model": [model]}, None)

    damage(model, tmp_path, "other")

    assert outputs.problem(model.uri, properties(model), thorough=False) == ""
    found = outputs.problem(model.uri, properties(model), thorough=True)
    assert found == f"{model.uri}: variables/data differs"


def test_of_what_was_never_recorded_only_the_folder_is_looked_at(model, tmp_path):
    damage(model, tmp_path, "cut")

    assert outputs.problem(model.uri, {}, thorough=True) == ""


def test_it_is_on_the_artifact_that_tfx_publishes(model):
    """The executor's copy is, where TFX has one (portable/merge_utils.py)."""
    executed = execution_result_pb2.ExecutorOutput()
    outputs_utils.populate_output_artifact(executed, {"model": [model]})

    outputs.keep({"model": [model]}, executed)

    [published] = executed.output_artifacts["model"].artifacts
    assert "graph.pb" in published.custom_properties[Payload.CONTENT].string_value


def test_what_an_executor_recorded_itself_stays(model):
    model.set_string_custom_property(Payload.CONTENT, "{}")

    outputs.keep({"model": [model]}, None)

    assert properties(model) == {Payload.CONTENT: "{}"}


# The version that was pushed


@pytest.mark.parametrize("file", ["saved_model.pb", "assets.extra/millrace.json"])
@pytest.mark.parametrize("is_same", [False, True], ids=["pushed", "same as"])
def test_a_damaged_champion_is_found_by_its_files(tmp_path, file, is_same):
    version = Serving(tmp_path / "serving").push("7")
    pushed = {Pushed.PUSHED: 1, Pushed.DESTINATION: version.uri}
    same = {Pushed.PUSHED: 0, Pushed.SAME_AS: "7", Pushed.REGISTERED: version.uri}
    recorded = same if is_same else pushed
    assert outputs.problem(str(tmp_path), recorded, thorough=False) == ""

    (tmp_path / "serving" / "7" / file).write_text("")

    recorded = recorded if is_same else {**recorded, Pushed.MANIFEST: "0a"}
    assert "serving/7" in outputs.problem(str(tmp_path), recorded, thorough=False)


# The cache


@pytest.fixture
def cached(model, tmp_path, monkeypatch):
    """A store with the model, and TFX's cache, which offers what is LIVE there."""
    outputs.keep({"model": [model]}, None)
    store = histories.open_store(str(tmp_path / "metadata.sqlite"))
    model.mlmd_artifact.type_id = store.put_artifact_type(
        standard_artifacts.Model().artifact_type
    )
    model.mlmd_artifact.state = mlmd.Artifact.LIVE
    [model.mlmd_artifact.id] = store.put_artifacts([model.mlmd_artifact])

    class Handle:
        pass

    handle = Handle()
    handle.store = store

    def offered(metadata_handle, cache_context):
        [found] = metadata_handle.store.get_artifacts()
        live = found.state == mlmd.Artifact.LIVE
        return {"model": [model]} if live else None

    monkeypatch.setattr(cache_utils, "get_cached_outputs", offered)
    return handle


def test_what_is_whole_is_taken_and_stays_as_it_is(cached, model):
    before, said = cached.store.get_artifacts(), []

    with outputs.looked_at_first(False, said.append):
        assert cache_utils.get_cached_outputs(cached, None) == {"model": [model]}

    assert said == []
    assert cached.store.get_artifacts() == before


def test_what_is_damaged_is_a_miss_that_is_said_and_marks_the_artifact(
    cached, model, tmp_path
):
    damage(model, tmp_path, "cut")
    said = []

    with outputs.looked_at_first(False, said.append):
        assert cache_utils.get_cached_outputs(cached, None) is None

    assert said == [
        f"damaged, so it is not taken from the cache: {model.uri}: {WORDS['cut']}"
    ]
    [found] = cached.store.get_artifacts()
    assert found.state == mlmd.Artifact.DELETED
    assert WORDS["cut"] in found.custom_properties[Payload.DAMAGED].string_value
