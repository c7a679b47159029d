"""A real SMTP server on loopback that keeps what it is given."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd import controller, smtp

USER, PASSWORD = "millrace", "m4ilp4ssword"


@dataclasses.dataclass
class Inbox:
    """What arrived."""

    port: int = 0
    tls: bool = False
    """From the first byte on; with STARTTLS the session knows."""

    mails: list[EmailMessage] = dataclasses.field(default_factory=list)
    recipients: list[list[str]] = dataclasses.field(default_factory=list)
    secured: list[bool] = dataclasses.field(default_factory=list)
    """Whether TLS was on and the sender had logged in, for each mail."""

    delay_s: float = 0.0
    """Before each answer to a recipient and to the mail."""

    refuse: set[str] = dataclasses.field(default_factory=set)
    """Recipients that the server does not know."""

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        """Refuses unknown recipients."""
        await asyncio.sleep(self.delay_s)
        if address in self.refuse:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        """Keeps the mail."""
        await asyncio.sleep(self.delay_s)
        content = envelope.content
        self.mails.append(
            email.message_from_bytes(content, policy=email.policy.default)
        )
        self.recipients.append(envelope.rcpt_tos)
        self.secured.append((self.tls or bool(session.ssl)) and session.authenticated)
        return "250 OK"


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority's file, and a context of a server that it knows."""
    authority = trustme.CA()
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return file, context


def _knows(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
    good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return smtp.AuthResult(success=good)


@contextlib.contextmanager
def serving(
    context: ssl.SSLContext | None = None, mode: str = "plain", delay_s: float = 0.0
) -> Iterator[Inbox]:
    """The server; with `starttls` or `ssl` it wants TLS and a login.

    Args:
      context: the server's certificate.
      mode: plain, starttls or ssl.
      delay_s: how slow it is.
    """
    inbox = Inbox(tls=mode == "ssl", delay_s=delay_s)
    wants: dict[str, Any] = {}
    if mode != "plain":
        wants = {"authenticator": _knows, "auth_required": True}
    if mode == "starttls":
        wants |= {"tls_context": context, "require_starttls": True}
    if mode == "ssl":
        wants |= {"ssl_context": context, "auth_require_tls": False}
    with socket.create_server(("127.0.0.1", 0)) as free:
        inbox.port = free.getsockname()[1]
    running = controller.Controller(
        inbox, hostname="127.0.0.1", port=inbox.port, **wants
    )
    running.start()
    try:
        yield inbox
    finally:
        running.stop()
