"""Who is told what, and when: the `notifications` section of the configuration.

A channel's address is a secret, so the configuration holds only where to find it:
env:NAME, file:PATH or sm://projects/P/secrets/S/versions/V.
"""

from __future__ import annotations

import datetime
import enum
import re
import zoneinfo
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Event(enum.StrEnum):
    """What a channel may want to hear of."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    PUSHED = "pushed"
    RECOVERED = "recovered"
    DRIFT = "drift"
    NOT_BLESSED = "not_blessed"
    OVERRIDDEN = "overridden"
    DATA_REFUSED = "data_refused"
    FAILED = "failed"
    OVERDUE = "overdue"


# An ordinary night says nothing.
WORTH_A_MESSAGE = (
    Event.RECOVERED,
    Event.DRIFT,
    Event.NOT_BLESSED,
    Event.OVERRIDDEN,
    Event.DATA_REFUSED,
    Event.FAILED,
    Event.OVERDUE,
)

_REFERENCE = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*"
    r"|file:.+"
    r"|sm://projects/[^/]+/secrets/[^/]+/versions/[^/]+"
)
_ADDRESS = re.compile(r"[^@\s,;:/<>?&]+@([^@\s,;:/<>?&]+\.[^@\s,;:/<>?&]+|localhost)")


def _is_reference(value: Any) -> str:
    # What was seen may be the secret itself, pasted: the error never repeats it.
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        return value
    raise PydanticCustomError(
        "secret_reference",
        "is a secret, and here stands only where it lies: env:NAME, file:PATH or "
        "sm://projects/P/secrets/S/versions/V (what you wrote is not shown)",
    )


Reference = Annotated[str, pydantic.BeforeValidator(_is_reference)]


def _is_address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("is not an e-mail address such as team@example.com")
    return value


Address = Annotated[str, pydantic.AfterValidator(_is_address)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Only(_Frozen):
    """Narrows the bad news a channel hears; empty means all of it."""

    components: tuple[str, ...] = ()
    """Only when one of these nodes failed or refused."""

    slices: tuple[str, ...] = ()
    """Only when a check of one of these failed, such as payment_type=Cash, or when a
    model was refused and none of these checks could be made."""

    @pydantic.field_validator("slices")
    @classmethod
    def _names_column_and_value(cls, slices: tuple[str, ...]) -> tuple[str, ...]:
        for name in slices:
            if not all(name.partition("=")):
                raise ValueError("write a slice as COLUMN=VALUE")
        return slices


class QuietHours(_Frozen):
    """Nothing is sent between these; it waits for the end of them."""

    start: datetime.time
    """Local time of the zone, such as "22:00"; after `end` means across midnight."""

    end: datetime.time

    zone: str = "UTC"
    """IANA name, such as Europe/Berlin."""

    @pydantic.field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise ValueError("is not an IANA time zone such as Europe/Berlin") from None
        return zone


class _Channel(_Frozen):
    events: tuple[Event, ...] = WORTH_A_MESSAGE
    """What it wants to hear of."""

    only: Only = Only()

    quiet: QuietHours | None = None

    repeat_every: int = Field(default=24, ge=1)
    """The same failure again: the first is told, then each so-many-th."""

    timeout_s: float = Field(default=10, gt=0, le=120)
    """For one attempt."""

    attempts: int = Field(default=3, ge=1, le=10)
    """Attempts at what may pass by itself: no connection, 429, 5xx."""

    @pydantic.field_validator("events")
    @classmethod
    def _wants_something(cls, events: tuple[Event, ...]) -> tuple[Event, ...]:
        if not events:
            raise ValueError("is empty: the channel would never be notified")
        return events


# What a run keeps of itself: how it ended, however that was.
_ENDS = tuple(event for event in Event if event is not Event.STARTED)


class LogChannel(_Channel):
    """The run's log."""

    kind: Literal["log"]
    events: tuple[Event, ...] = _ENDS
    repeat_every: int = Field(default=1, ge=1)


class FileChannel(_Channel):
    """message.txt and event.json in the run's folder."""

    kind: Literal["file"]
    events: tuple[Event, ...] = _ENDS
    repeat_every: int = Field(default=1, ge=1)


class EmailChannel(_Channel):
    """E-mail over SMTP, with STARTTLS or TLS."""

    kind: Literal["email"]

    server: Reference
    """Secret: mailtos://USER:PASSWORD@HOST:PORT?mode=starttls (or mode=ssl)."""

    sender: Address
    to: tuple[Address, ...] = Field(min_length=1)


class ServiceChannel(_Channel):
    """Slack, Google Chat, Teams, PagerDuty, Opsgenie, ...: whatever apprise speaks."""

    kind: Literal["service"]

    url: Reference
    """Secret: apprise's URL of the service."""


class WebhookChannel(_Channel):
    """The completion event (CloudEvents) over HTTPS, signed."""

    kind: Literal["webhook"]

    url: Reference
    """Secret: where it is posted."""

    key: Reference
    """Secret: what it is signed with (HMAC-SHA256)."""


class PubSubChannel(_Channel):
    """The completion event (CloudEvents) on a topic of Google Cloud Pub/Sub."""

    kind: Literal["pubsub"]

    topic: str = Field(pattern=r"^projects/[^/]+/topics/[^/]+$")


Channel = Annotated[
    LogChannel
    | FileChannel
    | EmailChannel
    | ServiceChannel
    | WebhookChannel
    | PubSubChannel,
    Field(discriminator="kind"),
]

ChannelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]


class NotificationsConfig(_Frozen):
    """Who is told, by channel name."""

    channels: dict[ChannelName, Channel] = {}

    secret_manager_endpoint: str | None = None
    """host:port in place of Google's, for a private or a test service."""
