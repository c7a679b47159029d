"""What a rehearsal keeps on this machine."""

from __future__ import annotations

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import UsageError
from pipeline.platforms import settings
from pipeline.vertex.rehearsal import redirection

ELSEWHERE = (
    "vertex.model.serving_image=europe-docker.pkg.dev/v/prediction/tf2-cpu:1",
    "vertex.endpoint={name: trips, deploy_candidate: true}",
    "vertex.experiment=trips",
    "vertex.tensorboard=projects/1/locations/europe-west4/tensorboards/2",
    "push.path=gs://serving/trips",
)


@pytest.fixture
def load(tmp_path):
    def load(*overrides: str) -> config_lib.Config:
        given = (f"output_root={tmp_path}", *overrides)
        return config_lib.load((), given, platform="vertex").config

    return load


def test_nothing_of_vertex_and_no_bucket_is_written_to(load, tmp_path):
    here = redirection.kept_here(load(*ELSEWHERE))

    assert (here.vertex.model, here.vertex.endpoint) == (None, None)
    assert (here.vertex.experiment, here.vertex.tensorboard) == (None, None)
    folder = str(tmp_path / "serving" / "chicago-taxi")
    assert here.serving_path == f"file://{folder}"
    assert settings.registry(here, "vertex").local.folder == folder


def test_every_folder_is_given_by_its_address_as_a_buckets_is(load, tmp_path):
    """But for a package's, which is in the image."""
    baseline = "validation.baseline_statistics=/srv/statistics.pb"
    mine = load("push.path=/srv/models", "data.path=/srv/trips", baseline)

    here = redirection.kept_here(mine)

    assert here.artifacts_path == f"file://{tmp_path}/artifacts"
    assert here.serving_path == "file:///srv/models"
    assert here.data.path == "file:///srv/trips"
    assert here.validation.baseline_statistics == "file:///srv/statistics.pb"
    bundled = load()
    assert redirection.kept_here(bundled).data == bundled.data
    assert [*redirection.notes(mine)] == []


def test_tasks_reach_the_folders_that_they_are_given(load, tmp_path):
    pushed, mine = tmp_path / "pushed", tmp_path / "out"
    config = load(
        f"output_root={mine}",
        f"push.path={pushed}",
        "data.path=/srv/trips",
        "validation.baseline_statistics=gs://trips/statistics.pb",
    )

    assert redirection.written(config) == (str(mine), str(pushed))
    assert redirection.read(config) == ("/srv/trips",)
    assert mine.is_dir()


def test_an_output_root_that_cannot_be_used_is_said_before_anything_starts(
    load, tmp_path
):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="gs://bucket/root is a bucket"):
        redirection.kept_here(load("output_root=gs://bucket/root"))
    with pytest.raises(UsageError, match="file/out cannot be written: Not a dir"):
        redirection.written(load(f"output_root={tmp_path}/file/out"))


def test_each_difference_is_said(load, tmp_path):
    topic = "projects/trips/topics/runs"
    channel = f"notifications.channels.team={{kind: pubsub, topic: {topic}}}"
    folder = tmp_path / "serving" / "chicago-taxi"

    assert [*redirection.notes(load(*ELSEWHERE, channel))] == [
        f"push.path: a rehearsal pushes to {folder}, not to gs://serving/trips",
        f"vertex.model: a rehearsal registers in {folder}, not in Vertex AI",
        "vertex.endpoint: a rehearsal deploys nothing",
        "vertex.experiment: a rehearsal writes nothing into it",
        "notifications.channels: a rehearsal notifies team, too",
    ]
