"""One message to one channel: a sender for each kind.

A sender returns when the service has taken the message, and raises NotDelivered when
it has not. No text that leaves this module holds a part of a secret.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import re
import time
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import files, secrets
from pipeline.config import notifications
from pipeline.errors import NotDelivered
from pipeline.gcp import secret_manager
from pipeline.notifications import completion
from pipeline.notifications.message import Message

MESSAGE_FILE = "message.txt"
EVENT_FILE = "event.json"

# apprise knows many more; these are the ones whose addresses people keep as secrets,
# and that a run may reach (no desktop pop-ups, no local commands).
SCHEMES = (
    "discord",
    "gchat",
    "json",
    "jsons",
    "opsgenie",
    "pagerduty",
    "slack",
    "workflows",
)
MAIL_SCHEMES = ("mailto", "mailtos")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclasses.dataclass(frozen=True)
class Parcel:
    """What goes to a channel, whichever it is."""

    run_id: str
    message: Message
    event: Mapping[str, Any]
    """The machine-readable event, of completion.event."""

    bad_news: bool

    @property
    def outcome(self) -> str:
        """The word that is told."""
        return self.event["data"]["millrace"]["outcome"]

    def to_dict(self) -> Mapping[str, object]:
        """Plain values, for the outbox."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Parcel:
        """The parcel of what `to_dict` gave."""
        return cls(**{**values, "message": Message(**values["message"])})


Endpoint = str | None


def send(
    name: str,
    channel: notifications.Channel,
    parcel: Parcel,
    run_folder: Path,
    secret_manager: Endpoint = None,
) -> None:
    """Sends the parcel, once; it takes as long as it takes.

    Args:
      name: of the channel.
      channel: its settings.
      parcel: the words and the event.
      run_folder: where the `file` channel writes.
      secret_manager: host:port in place of Google's.

    Raises:
      NotDelivered: it was not taken.
    """
    resolve = functools.partial(_secret, endpoint=secret_manager)
    # Their debug lines and warnings hold addresses and payloads.
    logging.getLogger("apprise").setLevel(logging.INFO)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        match channel:
            case notifications.LogChannel():
                logging.getLogger("millrace").info("%s", parcel.message.text)
            case notifications.FileChannel():
                _to_files(parcel, run_folder)
            case notifications.EmailChannel():
                _by_mail(channel, parcel, resolve)
            case notifications.ServiceChannel():
                _to_service(channel, parcel, resolve)
            case notifications.WebhookChannel():
                _to_webhook(name, channel, parcel, resolve)
            case notifications.PubSubChannel():
                _to_topic(channel, parcel)
    except NotDelivered:
        raise
    except Exception as error:
        # Its text may hold the address; the type tells enough.
        raise NotDelivered(type(error).__name__, transient=False) from None


def destination(name: str, channel: notifications.Channel) -> str:
    """Where it goes, in words that hold no secret."""
    match channel:
        case notifications.EmailChannel():
            where = f"{', '.join(channel.to)} through {channel.server}"
        case notifications.ServiceChannel() | notifications.WebhookChannel():
            where = channel.url
        case notifications.PubSubChannel():
            where = channel.topic
        case _:
            where = "the run's log" if channel.kind == "log" else "the run's folder"
    return f"{name} ({channel.kind}): {where}"


Resolve = Callable[[str], secrets.Secret]


def _secret(reference: str, endpoint: Endpoint) -> secrets.Secret:
    try:
        return secrets.resolve(reference, secret_manager.reader(endpoint))
    except secrets.SecretError as error:
        raise NotDelivered(str(error), transient=False) from None


def _to_files(parcel: Parcel, run_folder: Path) -> None:
    try:
        files.write_text(run_folder / MESSAGE_FILE, parcel.message.text)
        files.write_json(run_folder / EVENT_FILE, parcel.event)
    except OSError as error:
        raise NotDelivered(f"{error.strerror}: {run_folder}", False) from None


def _by_mail(
    channel: notifications.EmailChannel, parcel: Parcel, resolve: Resolve
) -> None:
    server = resolve(channel.server)
    url = urllib.parse.urlsplit(server.reveal())
    if url.scheme not in MAIL_SCHEMES:
        raise NotDelivered(
            f"{channel.server}: expected {' or '.join(MAIL_SCHEMES)}://, "
            f"got {_scheme(url)}",
            transient=False,
        )
    query = dict(urllib.parse.parse_qsl(url.query))
    plain = url.scheme == "mailto" and query.get("mode", "insecure") == "insecure"
    if plain and url.hostname not in _LOOPBACK:
        raise NotDelivered(
            f"{channel.server}: mailto:// would send without encryption; "
            "write mailtos://, with mode=starttls or mode=ssl",
            transient=False,
        )
    first, *others = channel.to
    query |= {"from": channel.sender, "to": first}
    if others:  # one transaction for all: nobody gets it twice
        query["cc"] = ",".join(others)
    whole = secrets.Secret(url._replace(query=urllib.parse.urlencode(query)).geturl())
    _by_apprise(whole, server, channel, parcel, as_html=True)


def _to_service(
    channel: notifications.ServiceChannel, parcel: Parcel, resolve: Resolve
) -> None:
    secret = resolve(channel.url)
    url = urllib.parse.urlsplit(secret.reveal())
    # A webhook's address as the service shows it; apprise knows whose it is.
    as_shown = url.scheme == "https" and url.hostname == "hooks.slack.com"
    if url.scheme not in SCHEMES and not as_shown:
        raise NotDelivered(
            f"{channel.url}: {_scheme(url)} is not a service here. "
            f"Known: {', '.join(SCHEMES)}",
            transient=False,
        )
    _by_apprise(secret, secret, channel, parcel)


def _scheme(url: urllib.parse.SplitResult) -> str:
    """The scheme, which is no secret unless the whole of it is something else."""
    return f"'{url.scheme}'" if url.scheme and url.netloc else "something else"


def _by_apprise(
    address: secrets.Secret,
    secret: secrets.Secret,
    channel: notifications.EmailChannel | notifications.ServiceChannel,
    parcel: Parcel,
    as_html: bool = False,
) -> None:
    # Imported when needed: half a second that most runs do without.
    import apprise

    asset = apprise.AppriseAsset(
        app_id="Millrace",
        app_desc="Millrace pipeline",
        http_redirects=False,
        secure_logging=True,
        result_log_memory_size=20_000,
        # In this thread, to its end: a worker that apprise gives up goes on sending,
        # the attempt would count as failed, and the next one would send it again.
        async_mode=False,
        service_timeout=0,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    timeout = f"{channel.timeout_s:g}"
    url = urllib.parse.urlsplit(address.reveal())
    limits = urllib.parse.urlencode(
        {"cto": timeout, "rto": timeout, "overflow": "truncate"}
    )
    query = f"{url.query}&{limits}" if url.query else limits
    service = apprise.Apprise(asset=asset)
    if not service.add(url._replace(query=query).geturl()):
        raise NotDelivered("apprise cannot read the channel's URL", transient=False)
    message = parcel.message
    result = service.notify(
        title=message.subject,
        body=message.html if as_html else message.text,
        # Without it <script> would go unescaped into the HTML that some services make.
        body_format=apprise.NotifyFormat.HTML if as_html else apprise.NotifyFormat.TEXT,
        notify_type=apprise.NotifyType.FAILURE
        if parcel.bad_news
        else apprise.NotifyType.INFO,
        log_level=logging.WARNING,
    )
    said = [entry.message for entry in result.logs()]
    if result or any(_SOME_REFUSED.search(line) for line in said):
        return
    why = secret.hidden_in("; ".join(said)) or f"{result.status.name.lower()}"
    status = _STATUS.search(why)
    transient = status is None or _is_transient(int(status.group(1)))
    raise NotDelivered(" ".join(why.split())[:500], transient)


# The other recipients have it: sending again would send it to them twice.
_SOME_REFUSED = re.compile(r"SMTP recipient .* was refused")
_STATUS = re.compile(r"error=(\d{3})")


def _is_transient(status: int) -> bool:
    return status in (408, 425, 429) or status >= 500


def _to_webhook(
    name: str, channel: notifications.WebhookChannel, parcel: Parcel, resolve: Resolve
) -> None:
    import requests

    url, key = resolve(channel.url), resolve(channel.key)
    parts = urllib.parse.urlsplit(url.reveal())
    loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not loopback:
        raise NotDelivered(
            f"{channel.url}: expected https://, got {_scheme(parts)}", transient=False
        )
    body = completion.serialized(parcel.event)
    delivery_id = f"{parcel.event['id']}:{name}"
    now = int(time.time())
    headers = {
        "Content-Type": completion.CONTENT_TYPE,
        "webhook-id": delivery_id,
        "webhook-timestamp": str(now),
        "webhook-signature": completion.signature(key.reveal(), delivery_id, now, body),
    }
    try:
        answer = requests.post(
            url.reveal(),
            data=body,
            headers=headers,
            timeout=channel.timeout_s,
            allow_redirects=False,
            stream=True,  # the status is the answer; its body may never end
        )
        answer.close()
    except (requests.ConnectionError, requests.Timeout) as error:
        # The error's text holds the address.
        raise NotDelivered(type(error).__name__, transient=True) from None
    except requests.RequestException as error:
        raise NotDelivered(type(error).__name__, transient=False) from None
    if not 200 <= answer.status_code < 300:
        raise NotDelivered(
            f"HTTP {answer.status_code}",
            _is_transient(answer.status_code),
            _seconds(answer.headers.get("Retry-After", "")),
        )


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.strip().isdecimal() else 0.0


def _to_topic(channel: notifications.PubSubChannel, parcel: Parcel) -> None:
    from google.api_core import exceptions
    from google.auth import exceptions as auth_exceptions
    from google.cloud import pubsub_v1  # type: ignore[attr-defined]

    try:
        client = pubsub_v1.PublisherClient()
        published = client.publish(
            channel.topic,
            completion.serialized(parcel.event),
            retry=None,
            timeout=channel.timeout_s,
            **{
                "content-type": completion.CONTENT_TYPE,
                "pipeline": parcel.event["data"]["pipelineName"],
                "run_id": parcel.run_id,
                "outcome": parcel.outcome,
            },
        )
        published.result(timeout=channel.timeout_s)
    except exceptions.GoogleAPICallError as error:
        status = int(error.code or 500)
        why = f"{channel.topic}: {status} {error.message}"
        raise NotDelivered(why, _is_transient(status)) from None
    except TimeoutError:
        raise NotDelivered(f"{channel.topic}: no answer", transient=True) from None
    except auth_exceptions.GoogleAuthError as error:
        raise NotDelivered(f"{channel.topic}: {error}", transient=False) from None
