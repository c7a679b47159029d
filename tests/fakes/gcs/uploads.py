"""Uploads: media, multipart and resumable.

Source: cloud.google.com/storage/docs/json_api/v1/objects/insert, and "Resumable
uploads".
"""

from __future__ import annotations

import dataclasses
import email
import email.policy
import json
import re
import secrets
from typing import Any

from tests.fakes.gcs.objects import Told
from tests.fakes.gcs.request import Answer, RefusedError, Request

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclasses.dataclass
class Session:
    """A resumable upload that has begun."""

    bucket: str
    query: dict[str, str]
    resource: dict[str, Any]
    content: bytearray = dataclasses.field(default_factory=bytearray)


@dataclasses.dataclass(frozen=True)
class Upload:
    """One that is complete."""

    bucket: str
    query: dict[str, str]
    """Of the request that began it: preconditions stand there."""

    resource: dict[str, Any]
    """What it says of the object."""

    content: bytes

    @property
    def name(self) -> str:
        """The object's, by the resource or by the request."""
        name = self.resource.get("name") or self.query.get("name")
        if not name:
            raise RefusedError(400, "Required object name")
        return str(name)

    @property
    def told(self) -> Told:
        """Its type and metadata."""
        return told(self.resource)


def told(resource: dict[str, Any], before: Told | None = None) -> Told:
    """What a resource says, over what was said before."""
    before = before or Told()
    metadata = {**before.metadata, **(resource.get("metadata") or {})}
    return Told(
        resource.get("contentType") or before.content_type,
        {name: value for name, value in metadata.items() if value is not None},
    )


def media(bucket: str, request: Request) -> Upload:
    """uploadType=media: the body is the content."""
    kind = request.headers.get("content-type", "application/octet-stream")
    return Upload(bucket, request.query, {"contentType": kind}, request.body)


def multipart(bucket: str, request: Request) -> Upload:
    """uploadType=multipart: the resource, and then the content."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n"
    message = email.message_from_bytes(
        head.encode() + request.body, policy=email.policy.HTTP
    )
    parts = list(message.iter_parts()) if message.is_multipart() else []
    if message.get_content_type() != "multipart/related" or len(parts) != 2:
        raise RefusedError(400, "a multipart upload is related, of two parts")
    resource = json.loads(_bytes(parts[0]))
    kind = parts[1].get_content_type()
    return Upload(
        bucket, request.query, {"contentType": kind, **resource}, _body(request)
    )


def _body(request: Request) -> bytes:
    """The second part, byte by byte: a parser of mail would change line ends."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers["content-type"])
    assert boundary
    mark = b"--" + boundary[1].encode()
    second = request.body.split(mark, 2)[2]
    content = second.partition(b"\r\n\r\n")[2]
    end = content.rfind(b"\r\n" + mark + b"--")
    if end < 0:
        raise RefusedError(400, "the multipart body has no end")
    return content[:end]


def _bytes(part: Any) -> bytes:
    return bytes(part.get_payload(decode=True))


class Resumable:
    """The resumable uploads that have begun; each has an id."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def begin(self, bucket: str, request: Request) -> Answer:
        """Answers with the address that its content goes to."""
        resource = dict(request.json)
        if kind := request.headers.get("x-upload-content-type"):
            resource.setdefault("contentType", kind)
        session = Session(bucket, request.query, resource)
        number = secrets.token_urlsafe(24)
        self._sessions[number] = session
        base, _, query = request.target.partition("?")
        host = request.headers["host"]
        address = f"{request.scheme}://{host}{base}?{query}&upload_id={number}"
        return Answer(200, headers={"Location": address, "X-GUploader-UploadID": "1"})

    def go_on(self, number: str, request: Request) -> Upload | Answer:
        """Takes a chunk; gives the upload where it was the last."""
        if number not in self._sessions:
            raise RefusedError(410, "no such upload, or one that has ended")
        session = self._sessions[number]
        if request.method == "DELETE":
            del self._sessions[number]
            return Answer(499)
        total = self._take(session, request)
        if total != len(session.content):
            return _so_far(session)
        del self._sessions[number]
        return Upload(
            session.bucket, session.query, session.resource, bytes(session.content)
        )

    def _take(self, session: Session, request: Request) -> int | None:
        """Adds the chunk; the length of all, where it is known."""
        text = request.headers.get("content-range")
        if text is None:  # all of it
            session.content[:] = request.body
            return len(request.body)
        found = _RANGE.fullmatch(text)
        if not found:
            raise RefusedError(400, f"Invalid Content-Range {text!r}")
        first, last, total = found.groups()
        whole = None if total == "*" else int(total)
        if first is None:  # what is there?
            if request.body:
                raise RefusedError(400, "a question about the range has no body")
            return whole
        if int(last) - int(first) + 1 != len(request.body):
            raise RefusedError(400, f"{text} and {len(request.body)} bytes")
        ends = whole is not None and int(last) + 1 == whole
        if not ends and len(request.body) % _CHUNK:
            raise RefusedError(400, f"a chunk that is no multiple of {_CHUNK} bytes")
        if int(first) > len(session.content):
            raise RefusedError(503, f"a gap: {len(session.content)} bytes are there")
        session.content[int(first) :] = request.body
        return whole


def _so_far(session: Session) -> Answer:
    there = len(session.content)
    return Answer(308, headers={"Range": f"bytes=0-{there - 1}"} if there else {})
