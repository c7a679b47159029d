"""References lead to secrets, and nothing that is printed holds one."""

from __future__ import annotations

import logging

import pytest

from pipeline import secrets
from pipeline.gcp import secret_manager
from pipeline.secrets import Secret, SecretError
from tests.fakes import cloud

URL = "https://user:pa55word@hooks.example.com/services/T0LONG/B0LONG?token=s3cr3t-x"


def test_a_variable_of_the_environment(monkeypatch):
    monkeypatch.setenv("CHANNEL", " value \n")

    assert secrets.resolve("env:CHANNEL").reveal() == "value"


def test_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("value\n")
    file.chmod(0o600)

    assert secrets.resolve(f"file:{file}").reveal() == "value"


def test_a_file_that_others_can_read_is_warned_of(tmp_path, caplog):
    file = tmp_path / "secret"
    file.write_text("value")
    file.chmod(0o644)

    with caplog.at_level(logging.WARNING, logger="millrace"):
        secrets.resolve(f"file:{file}")

    assert [record.getMessage() for record in caplog.records] == [
        f"file:{file} can be read by other users: chmod 600 {file}"
    ]


def test_a_version_in_secret_manager():
    name = "projects/p/secrets/s/versions/3"
    with cloud.secret_manager({name: b"value"}) as (endpoint, asked):
        found = secrets.resolve(f"sm://{name}", secret_manager.reader(endpoint))

    assert found.reveal() == "value"
    assert asked == [name]


def test_what_cannot_be_resolved_is_named_by_its_reference(tmp_path, monkeypatch):
    monkeypatch.delenv("CHANNEL", raising=False)
    monkeypatch.setenv("EMPTY", "")
    with pytest.raises(SecretError, match=r"^env:CHANNEL is not set in the environ"):
        secrets.resolve("env:CHANNEL")
    with pytest.raises(SecretError, match=r"^env:EMPTY is empty$"):
        secrets.resolve("env:EMPTY")
    with pytest.raises(SecretError, match=r"^file:.*/none cannot be read: No such"):
        secrets.resolve(f"file:{tmp_path}/none")
    with (
        cloud.secret_manager({}) as (endpoint, _),
        pytest.raises(SecretError, match=r"^sm://projects/p/.*: 404 no such version$"),
    ):
        secrets.resolve(
            "sm://projects/p/secrets/s/versions/1", secret_manager.reader(endpoint)
        )


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach {URL}",
        "Max retries exceeded with url: /services/T0LONG/B0LONG?token=s3cr3t-x",
        "login of user with pa55word failed",
        "no such token s3cr3t-x",
        "channel T0LONG is archived",
    ],
)
def test_no_part_of_a_secret_is_left_in_a_text(text):
    hidden = Secret(URL).hidden_in(text)

    for part in ("pa55word", "T0LONG", "B0LONG", "s3cr3t-x"):
        assert part not in hidden
    assert "***" in hidden


def test_a_secret_does_not_print_itself():
    secret = Secret("value")

    assert f"{secret} {secret!r}" == "Secret(***) Secret(***)"
