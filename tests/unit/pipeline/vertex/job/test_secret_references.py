"""A job holds where a secret lies, never the secret, and only where Vertex can look."""

from __future__ import annotations

import json

import pytest

from pipeline import errors
from pipeline.config import config as config_lib
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job import component_export

VALUES = {
    "TEAM_MAIL": "mailtos://robot:correct-horse-battery@mail.example.com:465?mode=ssl",
    "TEAM_HOOK": "https://hooks.example.com/T0SECRET/B0SECRET/x9hoLfR7",
    "TEAM_KEY": "kq3-hmac-key-of-the-hook",
}
PIECES = (*VALUES.values(), "correct-horse-battery", "x9hoLfR7")
SECRETS = "sm://projects/trips/secrets"
MANAGED = (
    (
        "notifications.channels.mail={kind: email, sender: a@example.com, "
        f"to: [b@example.com], server: '{SECRETS}/mail/versions/latest'}}"
    ),
    (
        "notifications.channels.hook={kind: webhook, "
        f"url: '{SECRETS}/hook/versions/3', key: '{SECRETS}/key/versions/latest'}}"
    ),
)


@pytest.fixture
def environment(monkeypatch):
    """The values are at hand, as they are where somebody tried a channel."""
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)


def loaded(*overrides: str) -> config_lib.Config:
    return config_lib.load((), overrides, platform="vertex").config


def test_only_references_are_in_whatever_leaves_this_machine(environment):
    job = vertex.compile_job(loaded(*MANAGED))
    texts = {
        "job": json.dumps(job.to_dict()),
        "template": vertex.spec_yaml(job),
        "component": component_export.component(job, "notifier"),
    }

    for name, text in texts.items():
        for reference in ("mail/versions/latest", "hook/versions/3", "key/versions"):
            assert f"{SECRETS}/{reference}" in text, name
        assert [piece for piece in PIECES if piece in text] == [], name


def test_what_a_container_cannot_reach_is_refused_with_what_to_write():
    config = loaded(
        MANAGED[0],
        "notifications.channels.hook={kind: webhook, url: 'env:TEAM_HOOK', "
        "key: 'file:/etc/key'}",
    )

    with pytest.raises(errors.ConfigError) as caught:
        vertex.compile_job(config)

    secret = "sm://projects/your-project/secrets/chicago-taxi-hook"
    assert str(caught.value) == (
        "a container on Vertex has neither this machine's environment nor its files:\n"
        "  notifications.channels.hook.url: env:TEAM_HOOK. Keep it in Secret Manager "
        "(gcloud secrets create chicago-taxi-hook-url --data-file=-) and write "
        f"{secret}-url/versions/latest\n"
        "  notifications.channels.hook.key: file:/etc/key. Keep it in Secret Manager "
        "(gcloud secrets create chicago-taxi-hook-key --data-file=-) and write "
        f"{secret}-key/versions/latest"
    )
