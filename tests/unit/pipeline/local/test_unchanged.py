"""Nothing changed is said only when nothing did, and all of the last run is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline import content
from pipeline.code import fingerprint
from pipeline.config import config as config_lib
from pipeline.data import preflight
from pipeline.local import unchanged
from pipeline.recorded import Payload


@pytest.fixture
def config(tmp_path, repository):
    """The penguins, with data and schema that a test may change."""
    penguins = repository / "configs" / "penguins"
    shutil.copytree(penguins / "data", tmp_path / "data")
    shutil.copy(penguins / "schema.pbtxt", tmp_path / "schema.pbtxt")
    return config_lib.load(
        [penguins / "penguins.yaml"],
        [
            f"data.path={tmp_path}/data",
            f"data.schema_file={tmp_path}/schema.pbtxt",
            f"output_root={tmp_path}/output",
        ],
    ).config


def digest(config) -> str:
    return unchanged.inputs_digest(config, preflight.check(config.data))


def test_the_same_inputs_have_the_same_digest(config):
    assert digest(config) == digest(config)


def test_one_byte_of_the_data_is_a_change(config):
    before = digest(config)
    file = Path(config.data.path) / "penguins.csv"
    file.write_text(file.read_text().replace("39.1,", "39.2,", 1))

    assert digest(config) != before


def test_one_byte_of_the_schema_is_a_change(config):
    before = digest(config)
    with open(config.data.schema_file, "a", encoding="utf-8") as file:
        file.write("\n")

    assert digest(config) != before


def test_one_value_of_the_configuration_is_a_change(config):
    training = config.training.model_copy(update={"seed": 7})

    assert digest(config.model_copy(update={"training": training})) != digest(config)


@pytest.mark.parametrize(
    "code",
    [
        {"trainer/fit.py": "2", "requirements/main.lock": "1"},
        {"trainer/fit.py": "1", "requirements/main.lock": "2"},
        {"trainer/fit.py": "1", "requirements/main.lock": "1", "models/new.py": "1"},
        {"requirements/main.lock": "1"},
    ],
    ids=["edited", "lock", "added", "removed"],
)
def test_a_file_of_code_or_the_lock_is_a_change(config, monkeypatch, code):
    first = {"trainer/fit.py": "1", "requirements/main.lock": "1"}
    monkeypatch.setattr(fingerprint, "all_code_files", lambda: first)
    before = digest(config)

    monkeypatch.setattr(fingerprint, "all_code_files", lambda: code)

    assert digest(config) != before


# Which run is relied on


@pytest.fixture
def ran(config):
    """Leaves a run behind: its summary, one live artifact, a pushed version."""

    def ran(run_id: str, **facts) -> dict:
        output = Path(config.output_root)
        pushed = output / "serving" / run_id
        pushed.mkdir(parents=True)
        payload = output / "artifacts" / run_id
        payload.mkdir(parents=True)
        (payload / "data").write_text("x")
        summary = {
            "run_id": run_id,
            "pipeline": "penguins",
            "outcome": "SUCCEEDED",
            "partial": False,
            "inputs_digest": "same",
            "pushed": str(pushed),
            **facts,
        }
        folder = output / "runs" / run_id
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps(summary))
        _record(config.metadata_path, summary["pipeline"], run_id, str(payload))
        return summary

    return ran


def _store(path: str) -> metadata_store.MetadataStore:
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = path
    return metadata_store.MetadataStore(connection)


def _record(path: str, pipeline: str, run_id: str, uri: str) -> None:
    store = _store(path)
    of_pipeline = store.put_context_type(mlmd.ContextType(name="pipeline"))
    of_run = store.put_context_type(mlmd.ContextType(name="pipeline_run"))
    of_node = store.put_execution_type(mlmd.ExecutionType(name="Trainer"))
    of_model = store.put_artifact_type(mlmd.ArtifactType(name="Model"))
    event = mlmd.Event(type=mlmd.Event.OUTPUT)
    artifact = mlmd.Artifact(type_id=of_model, uri=uri, state=mlmd.Artifact.LIVE)
    store.put_execution(
        mlmd.Execution(type_id=of_node),
        [(artifact, event)],
        [
            mlmd.Context(type_id=of_pipeline, name=pipeline),
            mlmd.Context(type_id=of_run, name=run_id),
        ],
        reuse_context_if_already_exist=True,
    )
    whole = store.get_context_by_type_and_name("pipeline", pipeline)
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    link = mlmd.ParentContext(parent_id=whole.id, child_id=run.id)
    store.put_parent_contexts([link])


def relied_on(config) -> str | None:
    summary = unchanged.relied_on(config, "same")
    return summary and summary.run_id


def test_the_newest_good_run_of_the_same_inputs_is_relied_on(config, ran):
    ran("20260101-1")
    ran("20260101-2")

    assert relied_on(config) == "20260101-2"


def test_the_newest_is_so_by_the_store_and_not_by_a_clock(config, ran):
    """The first run was named while the clock was a year ahead."""
    ran("20270101-1")
    ran("20260101-2", inputs_digest="other")

    assert relied_on(config) is None

    ran("20260101-3")

    assert relied_on(config) == "20260101-3"


def test_without_any_run_there_is_none(config):
    assert relied_on(config) is None


@pytest.mark.parametrize(
    "facts",
    [
        {"outcome": "FAILED"},
        {"outcome": "NOT_BLESSED"},
        {"outcome": "CANCELLED"},
        {"inputs_digest": "other"},
    ],
    ids=lambda facts: next(iter(facts.values())),
)
def test_a_newer_run_of_all_nodes_hides_an_older_one(config, ran, facts):
    """It may have left another baseline."""
    ran("20260101-1")
    ran("20260101-2", **facts)

    assert relied_on(config) is None


def test_a_newer_run_that_was_cut_off_hides_an_older_one(config, ran):
    ran("20260101-1")
    ran("20260101-2")
    (Path(config.output_root) / "runs" / "20260101-2" / "summary.json").unlink()

    assert relied_on(config) is None


@pytest.mark.parametrize(
    "facts", [{"partial": True}, {"pipeline": "penguins-sample"}], ids=str
)
def test_a_newer_run_of_some_nodes_or_of_a_sample_hides_nothing(config, ran, facts):
    ran("20260101-1")
    ran("20260101-2", **facts)

    assert relied_on(config) == "20260101-1"


@pytest.mark.parametrize("what", ["serving/1", "artifacts/1", "metadata.sqlite"])
def test_what_the_run_put_out_must_still_be_there(config, ran, what):
    ran("1")
    gone = Path(config.output_root) / what
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()

    assert relied_on(config) is None


def test_an_emptied_artifact_is_gone(config, ran):
    ran("1")
    (Path(config.output_root) / "artifacts" / "1" / "data").unlink()

    assert relied_on(config) is None


@pytest.mark.parametrize(
    ("verify", "text", "holds"),
    [
        ("sizes", "y", True),
        ("content", "y", False),
        ("sizes", "", False),
        ("content", "x", True),
    ],
)
def test_an_artifact_is_held_against_what_was_recorded_of_it(
    config, ran, verify, text, holds
):
    ran("1")
    folder = Path(config.output_root) / "artifacts" / "1"
    store = _store(config.metadata_path)
    [artifact] = store.get_artifacts()
    recorded = content.text(content.of_folder(str(folder)))
    artifact.custom_properties[Payload.CONTENT].string_value = recorded
    store.put_artifacts([artifact])
    (folder / "data").write_text(text)
    cache = config.cache.model_copy(update={"verify": verify})

    found = relied_on(config.model_copy(update={"cache": cache}))

    assert found == ("1" if holds else None)


def test_an_artifact_that_mlmd_has_as_deleted_is_gone(config, ran):
    ran("1")
    store = _store(config.metadata_path)
    [artifact] = store.get_artifacts()
    artifact.state = mlmd.Artifact.DELETED
    store.put_artifacts([artifact])

    assert relied_on(config) is None


@pytest.mark.parametrize("remote", [{"query": "SELECT 1"}, {"path": "gs://bucket/x"}])
def test_of_remote_data_nothing_is_known(config, ran, remote):
    ran("1")
    data = config.data.model_copy(update=remote)

    assert relied_on(config.model_copy(update={"data": data})) is None


def test_one_byte_of_the_baseline_statistics_is_a_change(config, tmp_path):
    file = tmp_path / "baseline.pb"
    file.write_bytes(b"1")
    validation = config.validation.model_copy(update={"baseline_statistics": str(file)})
    config = config.model_copy(update={"validation": validation})
    before = digest(config)

    file.write_bytes(b"2")

    assert digest(config) != before
