"""What a rehearsal keeps on this machine."""

from __future__ import annotations

import pytest

from pipeline.config import config as config_lib
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
    assert here.serving_path == folder
    assert settings.registry(here, "vertex").local.folder == folder


def test_what_writes_here_anyway_stays_as_it_is(load):
    config = load("push.path=/srv/models")

    assert redirection.kept_here(config) == config
    assert [*redirection.notes(config)] == []


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
