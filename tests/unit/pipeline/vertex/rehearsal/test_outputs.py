"""Where a task's artifacts go: folders that are made, and names in a bucket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.vertex.job.job import Component
from pipeline.vertex.rehearsal import outputs
from pipeline.vertex.rehearsal.outputs import Place


@pytest.fixture
def component() -> Component:
    artifacts = {
        "model": {"artifactType": {"instanceSchema": "title: tfx.Model\n"}},
        "word": {"artifactType": {"instanceSchema": "title: tfx.String\n"}},
    }
    return Component({"outputDefinitions": {"artifacts": artifacts}})


def test_a_folder_is_there_for_each_artifact_and_around_each_value(component, tmp_path):
    place = Place(f"file://{tmp_path}/Trainer_0")

    made = outputs.places(component, place)

    assert [each.uri for [each] in made.values()] == [
        f"file://{tmp_path}/Trainer_0/model",
        f"file://{tmp_path}/Trainer_0/word",
    ]
    assert [path.name for path in (tmp_path / "Trainer_0").iterdir()] == ["model"]


def test_in_a_bucket_nothing_is_made_for_it_has_no_folders(component):
    made = outputs.places(component, Place("gs://no-such-bucket/Trainer_0"))

    assert made["model"][0].uri == "gs://no-such-bucket/Trainer_0/model"
    assert not Path("/gcs/no-such-bucket").exists()


def test_what_the_task_said_of_an_artifact_is_added_to_it(component, tmp_path):
    made = outputs.places(component, Place(f"file://{tmp_path}"))
    said = {"artifacts": {"model": {"artifacts": [{"metadata": {"rows": 3}}]}}}
    (tmp_path / outputs.FILE).write_text(json.dumps(said), encoding="utf-8")

    assert outputs.described(made, tmp_path)["model"][0].metadata == {"rows": 3}
