"""Recipients and policies are checked when the configuration is loaded."""

from __future__ import annotations

import pytest

from pipeline.config import config, layers
from pipeline.errors import ConfigError

MAIL = "kind: email, server: 'env:SMTP', sender: m@example.com"


def load(channel: str) -> config.Loaded:
    override = f"notifications.channels.team={{{channel}}}"
    return config.load((), (override,), platform="local")


def test_a_team_that_wants_to_hear_of_bad_news():
    channels = load(f"{MAIL}, to: [a@example.com]").config.notifications.channels

    assert sorted(channels) == ["file", "log", "team"]
    assert [str(event) for event in channels["team"].events] == [
        "recovered",
        "drift",
        "not_blessed",
        "overridden",
        "data_refused",
        "failed",
        "overdue",
    ]


@pytest.mark.parametrize(
    ("channel", "problem"),
    [
        (f"{MAIL}, to: []", "email.to (--set): Tuple should have at least 1 item"),
        (f"{MAIL}, to: [nobody]", "email.to.0 (--set): is not an e-mail"),
        (
            f"{MAIL}, to: ['a@b.c,d@e.f']",
            "email.to.0 (--set): is not an e-mail",
        ),
        (
            f"{MAIL}, to: [a@example.com], tow: [b@example.com]",
            "email.tow (--set): unknown key. Did you mean 'to'?",
        ),
        (
            "kind: fax",
            "team (--set): kind: expected one of 'log', 'file', 'email'",
        ),
        ("url: 'env:X'", "team (--set): Unable to extract tag using discriminator"),
        ("kind: service", "service.url (--set): is required and missing."),
        (
            "kind: log, events: [explosion]",
            "log.events.0 (--set): Input should be 'started', 'succeeded'",
        ),
        ("kind: log, events: []", "log.events (--set): is empty: the channel would"),
        ("kind: log, repeat_every: 0", "log.repeat_every (--set): Input should be"),
        (
            "kind: log, only: {slices: [Cash]}",
            "log.only.slices (--set): write a slice as COLUMN=VALUE",
        ),
        (
            "kind: log, quiet: {start: '22:00', end: '07:00', zone: Berlin}",
            "log.quiet.zone (--set): is not an IANA time zone such as Europe/Berlin",
        ),
        (
            "kind: log, quiet: {start: '22:00', end: '27:00'}",
            "log.quiet.end (--set): Input should be in a valid time format",
        ),
        ("kind: pubsub, topic: trips", "pubsub.topic (--set): String should match"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(channel, problem):
    with pytest.raises(ConfigError) as refused:
        load(channel)

    assert problem in str(refused.value)


@pytest.mark.parametrize(
    "pasted",
    [
        "'https://hooks.slack.com/services/T0/B0/s3cr3t'",
        "'slack://s3cr3t/s3cr3t/s3cr3t'",
        "[s3cr3t]",
        "{token: s3cr3t}",
        "'env:s3cr3t-with-dashes'",
    ],
)
def test_a_pasted_secret_is_refused_and_not_repeated(pasted):
    with pytest.raises(ConfigError) as refused:
        load(f"kind: service, url: {pasted}")

    assert "s3cr3t" not in str(refused.value)
    assert "team.service.url (--set): is a secret, and here stands only where it " in (
        str(refused.value)
    )


@pytest.mark.parametrize(
    "channel",
    [
        "kind: 'mailtos://bot:s3cr3t@smtp.example.com'",
        "kind: log, events: ['slack://s3cr3t']",
        f"{MAIL}, to: ['mailtos://bot:s3cr3t@smtp.example.com']",
        (
            "kind: email, server: 'env:X', to: [a@b.cd], sender: "
            "'mailtos://bot:s3cr3t@smtp.example.com'"
        ),
    ],
    ids=["kind", "events", "to", "sender"],
)
def test_a_secret_in_the_wrong_place_is_refused_and_not_repeated(channel):
    with pytest.raises(ConfigError) as refused:
        load(channel)

    assert "s3cr3t" not in str(refused.value)


def test_a_channel_that_is_only_a_secret_is_refused_and_not_repeated():
    with pytest.raises(ConfigError) as refused:
        config.load((), ("notifications.channels.team='slack://s3cr3t'",))

    assert "s3cr3t" not in str(refused.value)


def test_broken_yaml_is_named_by_its_place_and_not_repeated(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text('notifications:\n  channels:\n    a: {url: "slack://s3cr3t}\n')

    with pytest.raises(ConfigError) as refused:
        config.load((file,), ())

    assert f"{file}, line " in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    "reference",
    [
        "env:SMTP_URL",
        "file:/run/secrets/x",
        "sm://projects/p/secrets/s/versions/latest",
    ],
)
def test_a_reference_is_shown_as_it_stands(reference):
    loaded = load(f"kind: service, url: '{reference}'")

    leaves = dict(layers.leaves(loaded.config.model_dump(mode="json")))
    assert leaves["notifications.channels.team.url"] == reference
