"""Each kind of channel against a real server of its protocol."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import socket
import threading

import grpc
import pytest
from werkzeug import Response

from pipeline.config import notifications
from pipeline.errors import NotDelivered
from pipeline.notifications import channels, completion, message
from pipeline.notifications.channels import Parcel
from pipeline.runs.facts import RunFacts
from tests.fakes import cloud, mail

FACTS = RunFacts(
    pipeline="trips",
    run_id="r1",
    outcome="FAILED",
    node="Trainer",
    reasons=("ValueError: <b>5 < 6</b> & Zürich 🚕",),
    ended=1772452857.0,
    next="python local_runner.py resume",
)
WORDS = message.compose(FACTS, ["failed"])
PARCEL = Parcel("r1", WORDS, completion.event(FACTS, ("failed",), WORDS), True)


@pytest.fixture
def send(tmp_path, monkeypatch):
    """Sends the parcel to a channel whose secrets are these values."""

    def send(kind: str, secret: str = "", **wishes) -> None:
        monkeypatch.setenv("CHANNEL_SECRET", secret)
        monkeypatch.setenv("CHANNEL_KEY", "k3y")
        channel = notifications.NotificationsConfig.model_validate(
            {"channels": {"team": {"kind": kind, "timeout_s": 2, **wishes}}}
        ).channels["team"]
        channels.send("team", channel, PARCEL, tmp_path / "r1")

    return send


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority, and a server's certificate by it."""
    return mail.certificate(tmp_path_factory.mktemp("ca"))


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_mail_arrives_over_tls_with_a_login(mode, authority, send, monkeypatch):
    file, context = authority
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with mail.serving(context, mode) as inbox:
        send(
            "email",
            f"mailtos://{mail.USER}:{mail.PASSWORD}@127.0.0.1:{inbox.port}?mode={mode}",
            server="env:CHANNEL_SECRET",
            sender="millrace@example.com",
            to=["a@example.com", "b@example.com"],
        )

    [arrived] = inbox.mails
    assert inbox.secured == [True]
    assert inbox.recipients == [["a@example.com", "b@example.com"]]
    assert arrived["Subject"] == WORDS.subject
    assert "millrace@example.com" in arrived["From"]
    html = arrived.get_body(("html",)).get_content()
    assert "ValueError: &lt;b&gt;5 &lt; 6&lt;/b&gt; &amp; Zürich 🚕" in html
    plain = arrived.get_body(("plain",)).get_content()
    assert "FAILED at Trainer: ValueError: <b>5 < 6</b> & Zürich 🚕" in plain
    assert "python local_runner.py resume" in plain


def test_a_wrong_password_is_not_delivered_and_not_shown(authority, send, monkeypatch):
    file, context = authority
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with (
        mail.serving(context, "starttls") as inbox,
        pytest.raises(NotDelivered) as refused,
    ):
        send(
            "email",
            f"mailtos://{mail.USER}:wr0ngpass@127.0.0.1:{inbox.port}?mode=starttls",
            server="env:CHANNEL_SECRET",
            sender="millrace@example.com",
            to=["a@example.com"],
        )

    assert inbox.mails == []
    assert "wr0ngpass" not in str(refused.value)


def test_a_certificate_of_a_stranger_is_refused(authority, send):
    _, context = authority
    with mail.serving(context, "ssl") as inbox, pytest.raises(NotDelivered):
        send(
            "email",
            f"mailtos://{mail.USER}:{mail.PASSWORD}@127.0.0.1:{inbox.port}?mode=ssl",
            server="env:CHANNEL_SECRET",
            sender="millrace@example.com",
            to=["a@example.com"],
        )

    assert inbox.mails == []


def test_one_unknown_recipient_does_not_make_the_others_get_it_twice(send):
    with mail.serving() as inbox:
        inbox.refuse = {"gone@example.com"}
        send(
            "email",
            f"mailto://127.0.0.1:{inbox.port}",
            server="env:CHANNEL_SECRET",
            sender="millrace@example.com",
            to=["a@example.com", "gone@example.com"],
        )

    assert inbox.recipients == [["a@example.com"]]


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (
            "mailto://mail.example.com?to=x@y.z",
            (
                "env:CHANNEL_SECRET: mailto:// would send without encryption; write "
                "mailtos://, with mode=starttls or mode=ssl"
            ),
        ),
        (
            "smtp://mail.example.com",
            "env:CHANNEL_SECRET: expected mailto or mailtos://, got 'smtp'",
        ),
        (
            "p4ssword-pasted-alone",
            "env:CHANNEL_SECRET: expected mailto or mailtos://, got something else",
        ),
    ],
)
def test_a_mail_server_that_cannot_be_used_is_explained(secret, why, send):
    with pytest.raises(NotDelivered) as refused:
        send(
            "email",
            secret,
            server="env:CHANNEL_SECRET",
            sender="millrace@example.com",
            to=["a@example.com"],
        )

    assert str(refused.value) == why


def test_a_service_gets_the_words(send, httpserver):
    httpserver.expect_ordered_request("/hook", method="POST").respond_with_data("ok")

    send(
        "service", f"json://127.0.0.1:{httpserver.port}/hook", url="env:CHANNEL_SECRET"
    )

    [(request, _)] = httpserver.log
    sent = request.get_json()
    assert sent["title"] == WORDS.subject
    assert sent["message"] == WORDS.text.rstrip()
    assert sent["type"] == "failure"


@pytest.mark.parametrize(
    ("answer", "transient"),
    [
        (Response("", 500), True),
        (Response("", 429, {"Retry-After": "7"}), True),
        (Response("", 404), False),
        (Response("", 302, {"Location": "/elsewhere"}), False),
    ],
    ids=["500", "429", "404", "redirect"],
)
@pytest.mark.parametrize("kind", ["service", "webhook"])
def test_an_answer_that_is_no_success_is_no_delivery(
    kind, answer, transient, send, httpserver
):
    httpserver.expect_request("/t0kent0ken").respond_with_response(answer)
    elsewhere = httpserver.expect_request("/elsewhere").respond_with_data("ok")
    scheme = "json" if kind == "service" else "http"
    keys = {"key": "env:CHANNEL_KEY"} if kind == "webhook" else {}

    with pytest.raises(NotDelivered) as refused:
        send(
            kind,
            f"{scheme}://127.0.0.1:{httpserver.port}/t0kent0ken",
            url="env:CHANNEL_SECRET",
            **keys,
        )

    assert refused.value.transient is transient
    assert str(answer.status_code) in str(refused.value)
    assert "t0kent0ken" not in str(refused.value)
    assert [request.path for request, _ in httpserver.log] == ["/t0kent0ken"]
    assert elsewhere is None


def test_a_webhook_is_asked_to_wait_as_long_as_it_says(send, httpserver):
    httpserver.expect_request("/").respond_with_data(
        "", 429, headers={"Retry-After": "7"}
    )

    with pytest.raises(NotDelivered) as refused:
        send(
            "webhook",
            httpserver.url_for("/").replace("localhost", "127.0.0.1"),
            url="env:CHANNEL_SECRET",
            key="env:CHANNEL_KEY",
        )

    assert refused.value.wait_s == 7


def test_a_webhook_takes_garbage_for_an_answer_when_the_status_is_good(
    send, httpserver
):
    httpserver.expect_request("/").respond_with_data(b"\xff\x00<html>")

    send(
        "webhook",
        f"http://127.0.0.1:{httpserver.port}/",
        url="env:CHANNEL_SECRET",
        key="env:CHANNEL_KEY",
    )

    assert len(httpserver.log) == 1


@pytest.mark.parametrize("kind", ["service", "webhook"])
def test_a_server_that_never_answers_is_given_up(kind, send):
    scheme = "json" if kind == "service" else "http"
    keys = {"key": "env:CHANNEL_KEY"} if kind == "webhook" else {}

    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(NotDelivered) as refused,
    ):
        send(
            kind,
            f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/",
            url="env:CHANNEL_SECRET",
            timeout_s=0.3,
            **keys,
        )

    assert refused.value.transient


def test_a_webhook_gets_the_signed_event(send, httpserver):
    httpserver.expect_request("/events", method="POST").respond_with_data("")

    send(
        "webhook",
        f"http://127.0.0.1:{httpserver.port}/events",
        url="env:CHANNEL_SECRET",
        key="env:CHANNEL_KEY",
    )

    [(request, _)] = httpserver.log
    body = request.get_data()
    assert json.loads(body) == PARCEL.event
    assert request.headers["Content-Type"].startswith("application/cloudevents+json")
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}."
    digest = hmac.new(b"k3y", signed.encode() + body, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == (
        f"v1,{base64.b64encode(digest).decode()}"
    )
    assert request.headers["webhook-id"] == "r1:FAILED:team"


def test_a_webhook_without_tls_is_refused(send):
    with pytest.raises(NotDelivered, match=r"^env:CHANNEL_SECRET: expected https://"):
        send(
            "webhook",
            "http://example.com/t0kent0ken",
            url="env:CHANNEL_SECRET",
            key="env:CHANNEL_KEY",
        )


def test_an_unknown_scheme_is_named_with_the_known_ones(send):
    with pytest.raises(NotDelivered) as refused:
        send("service", "syslog://t0kent0ken", url="env:CHANNEL_SECRET")

    assert str(refused.value) == (
        "env:CHANNEL_SECRET: 'syslog' is not a service here. Known: discord, gchat, "
        "json, jsons, opsgenie, pagerduty, slack, workflows"
    )


def test_every_known_scheme_is_one_that_apprise_speaks():
    import apprise

    known = {
        scheme
        for schema in apprise.Apprise().details()["schemas"]
        for kind in ("protocols", "secure_protocols")
        for scheme in schema[kind] or ()
    }

    assert {*channels.SCHEMES, *channels.MAIL_SCHEMES} <= known


def test_pubsub_gets_the_event_with_attributes(send, monkeypatch):
    with cloud.topics() as (endpoint, taken):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", endpoint)
        send("pubsub", topic="projects/p/topics/t")

    [(topic, sent)] = taken
    assert topic == "projects/p/topics/t"
    assert json.loads(sent.data) == PARCEL.event
    assert dict(sent.attributes) == {
        "content-type": completion.CONTENT_TYPE,
        "pipeline": "millrace/trips",
        "run_id": "r1",
        "outcome": "FAILED",
    }


@pytest.mark.parametrize(
    ("status", "transient"),
    [
        (grpc.StatusCode.UNAVAILABLE, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, True),
        (grpc.StatusCode.NOT_FOUND, False),
        (grpc.StatusCode.PERMISSION_DENIED, False),
    ],
)
def test_pubsub_errors_tell_whether_to_try_again(status, transient, send, monkeypatch):
    with cloud.topics([status] * 20) as (endpoint, taken):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", endpoint)
        with pytest.raises(NotDelivered) as refused:
            send("pubsub", topic="projects/p/topics/t")

    assert taken == []
    assert refused.value.transient is transient


def test_the_log_and_the_folder_of_the_run_keep_the_message(send, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="millrace"):
        send("log")
        send("file")

    assert [record.getMessage() for record in caplog.records] == [WORDS.text]
    assert (tmp_path / "r1" / "message.txt").read_text("utf-8") == WORDS.text
    assert json.loads((tmp_path / "r1" / "event.json").read_text("utf-8")) == (
        PARCEL.event
    )


def test_no_secret_is_logged_whatever_happens(send, httpserver, caplog):
    httpserver.expect_request("/t0kent0ken").respond_with_data("", 500)
    url = f"json://user:pa55word@127.0.0.1:{httpserver.port}/t0kent0ken"
    with caplog.at_level(logging.DEBUG), pytest.raises(NotDelivered):
        send("service", url, url="env:CHANNEL_SECRET")

    ours = [record for record in caplog.records if record.name != "werkzeug"]
    text = "\n".join(record.getMessage() for record in ours)
    assert not re.search("t0kent0ken|pa55word", text)


def test_where_a_channel_leads_is_told_without_a_secret():
    config = notifications.NotificationsConfig.model_validate(
        {
            "channels": {
                "oncall": {
                    "kind": "email",
                    "server": "env:SMTP",
                    "sender": "m@example.com",
                    "to": ["a@example.com", "b@example.com"],
                },
                "chat": {"kind": "service", "url": "file:/run/secrets/chat"},
                "bus": {"kind": "pubsub", "topic": "projects/p/topics/t"},
                "log": {"kind": "log"},
            }
        }
    )

    found = [channels.destination(name, c) for name, c in config.channels.items()]

    assert found == [
        "oncall (email): a@example.com, b@example.com through env:SMTP",
        "chat (service): file:/run/secrets/chat",
        "bus (pubsub): projects/p/topics/t",
        "log (log): the run's log",
    ]


def test_a_slow_mail_server_gets_the_mail_once(send):
    """Each of its answers takes longer than half of the channel's patience."""
    with mail.serving(delay_s=0.6) as inbox:
        send(
            "email",
            f"mailto://127.0.0.1:{inbox.port}",
            server="env:CHANNEL_SECRET",
            sender="millrace@example.com",
            to=["a@example.com"],
            timeout_s=1,
        )

    assert len(inbox.mails) == 1


def test_a_webhook_whose_answer_never_ends_has_answered(send, httpserver):
    sent = threading.Event()

    def drip():
        yield b"x"
        finished.append(sent.wait(10))
        yield b"x"

    finished: list[bool] = []
    httpserver.expect_request("/").respond_with_response(Response(drip(), 200))

    send(
        "webhook",
        f"http://127.0.0.1:{httpserver.port}/",
        url="env:CHANNEL_SECRET",
        key="env:CHANNEL_KEY",
        timeout_s=1,
    )

    assert finished == []
    sent.set()


def test_a_key_that_is_none_is_told(send, httpserver, monkeypatch):
    with pytest.raises(NotDelivered, match="is not base64 after whsec_"):
        completion.signature("whsec_abcde", "id", 1, b"")


def test_apprise_sends_in_our_thread(send, httpserver, monkeypatch):
    """A worker of its own would go on sending after it was given up."""
    from apprise import apprise as dispatching

    def refused():
        raise AssertionError("apprise started a thread")

    monkeypatch.setattr(dispatching, "get_shared_executor", refused)
    httpserver.expect_request("/").respond_with_data("")

    send("service", f"json://127.0.0.1:{httpserver.port}/", url="env:CHANNEL_SECRET")

    assert len(httpserver.log) == 1
