"""What the JSON API answers, and the XML API to GET, which TensorFlow reads by.

Source: cloud.google.com/storage/docs/json_api/v1. A method, a parameter or a field that
stands there and not here is refused, so that nothing is taken as done that was not.
"""

from __future__ import annotations

import dataclasses
import email
import email.policy
import re
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.fakes.gcs import fields, uploads
from tests.fakes.gcs.objects import Object, Objects, hashes
from tests.fakes.gcs.request import Answer, RefusedError, Request, of_json
from tests.fakes.gcs.uploads import Resumable, Upload

PROJECT_NUMBER = "123456789012"
_ANYWHERE = {"alt", "fields", "prettyPrint", "projection", "key", "userProject"}
_CONDITIONS = {
    *("ifGenerationMatch", "ifGenerationNotMatch"),
    *("ifMetagenerationMatch", "ifMetagenerationNotMatch"),
}
_OF_SOURCE = {"ifSourceGenerationMatch", "sourceGeneration"}
_LISTING = {
    *("prefix", "delimiter", "maxResults", "pageToken", "startOffset", "endOffset"),
    *("versions", "includeTrailingDelimiter", "includeFoldersAsPrefixes"),
}
_UPLOADING = {"uploadType", "name", "predefinedAcl", "upload_id", *_CONDITIONS}
_SETTABLE = {"name", "contentType", "metadata", "bucket", "crc32c", "md5Hash"}


@dataclasses.dataclass
class Api:
    """Answers requests; a faulty client is told so."""

    folder: Path
    """Of the buckets."""

    tokens: set[str]
    """That open it."""

    page_size: int = 1000
    """Of a list, at most."""

    seen: Callable[[str], object] = lambda line: None
    """Called with 'AGENT METHOD target STATUS' of each request."""

    def __post_init__(self) -> None:
        self.objects = Objects(self.folder)
        self._resumable = Resumable()
        self._lock = threading.RLock()
        self._pages: dict[str, str] = {}

    def answer(self, request: Request) -> Answer:
        """One request after another, whoever asks."""
        with self._lock:
            try:
                self._require_token(request)
                answer = self._routed(request)
            except RefusedError as no:
                answer = no.answer()
            agent = request.headers.get("user-agent", "-").partition("/")[0]
            line = f"{agent} {request.method} {request.target} {answer.status}"
            self.seen(line)
        return answer

    def _require_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        by_upload = "upload_id" in request.query  # the address is the secret
        if not by_upload and (scheme != "Bearer" or token not in self.tokens):
            raise RefusedError(401, "Request had invalid authentication credentials.")

    def _routed(self, request: Request) -> Answer:
        for method, pattern, allowed, handler in _ROUTES:
            found = re.fullmatch(pattern, request.path)
            if not found or method != request.method:
                continue
            unknown = request.query.keys() - allowed - _ANYWHERE
            if unknown:
                raise RefusedError(400, f"unknown parameters: {sorted(unknown)}")
            names = [urllib.parse.unquote(part) for part in found.groups()]
            answer = handler(self, request, *names)
            return answer if isinstance(answer, Answer) else _shown(request, answer)
        raise RefusedError(501, f"no such method: {request.method} {request.target}")

    # Buckets

    def bucket(self, request: Request, bucket: str) -> Any:
        """buckets.get."""
        self.objects.require_bucket(bucket)
        return {
            "kind": "storage#bucket",
            "id": bucket,
            "name": bucket,
            "projectNumber": PROJECT_NUMBER,
            "location": "EUROPE-WEST4",
            "locationType": "region",
            "storageClass": "STANDARD",
            "metageneration": "1",
            "etag": "CAE=",
        }

    def layout(self, request: Request, bucket: str) -> Any:
        """buckets.getStorageLayout: a flat namespace."""
        self.objects.require_bucket(bucket)
        return {
            "kind": "storage#storageLayout",
            "bucket": bucket,
            "location": "EUROPE-WEST4",
            "locationType": "region",
            "hierarchicalNamespace": {"enabled": False},
        }

    def locations(self, request: Request, account: str) -> Any:
        """Of IAM, which google-auth asks on the way: an account is used anywhere."""
        return {"locations": [], "encodedLocations": "0x0"}

    # Objects

    def list(self, request: Request, bucket: str) -> Any:
        """objects.list: names by their bytes, by pages; prefixes count as items."""
        asked = request.query
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        after = self._after(asked.get("pageToken"))
        size = min(int(asked.get("maxResults") or self.page_size), self.page_size)
        items: list[Any] = []
        prefixes: list[str] = []
        last, more = "", False
        for name in self._between(bucket, asked):
            rest = name[len(prefix) :]
            head, cut, _ = rest.partition(delimiter) if delimiter else (rest, "", "")
            entry = prefix + head + cut if cut else name
            if entry.encode() <= after.encode() or entry == last:
                continue
            if len(items) + len(prefixes) == size:
                more = True
                break
            if cut:
                prefixes.append(entry)
            else:
                items.append(self.objects.get(bucket, name).to_dict())
            last = entry
        found: dict[str, Any] = {"kind": "storage#objects"}
        if more:
            found["nextPageToken"] = token = secrets.token_urlsafe(9)
            self._pages[token] = last
        if prefixes:
            found["prefixes"] = prefixes
        if items:
            found["items"] = items
        return found

    def _after(self, token: str | None) -> str:
        if not token:
            return ""
        if token not in self._pages:
            raise RefusedError(400, f"Invalid page token {token!r}")
        return self._pages[token]

    def _between(self, bucket: str, asked: Mapping[str, str]) -> list[str]:
        prefix = asked.get("prefix", "")
        start, end = asked.get("startOffset", ""), asked.get("endOffset")
        if "true" in (asked.get("versions"), asked.get("includeFoldersAsPrefixes")):
            raise RefusedError(501, "no versions and no managed folders here")
        return [
            name
            for name in self.objects.names(bucket)
            if name.startswith(prefix) and name >= start and (end is None or name < end)
        ]

    def get(self, request: Request, bucket: str, name: str) -> Any:
        """objects.get: the resource, or with alt=media the content."""
        found = self.objects.get(bucket, name, request.query.get("generation"))
        _hold(request.query, found, reading=True)
        if request.query.get("alt") == "media":
            return _content(request, found)
        return found.to_dict()

    def content(self, request: Request, bucket: str, name: str) -> Answer:
        """The content, by the XML API's address or the download's."""
        found = self.objects.get(bucket, name, request.query.get("generation"))
        _hold(request.query, found, reading=True)
        return _content(request, found)

    def delete(self, request: Request, bucket: str, name: str) -> Answer:
        """objects.delete."""
        found = self.objects.get(bucket, name, request.query.get("generation"))
        _hold(request.query, found)
        self.objects.delete(found)
        return Answer(204)

    def patch(self, request: Request, bucket: str, name: str) -> Any:
        """objects.patch: content type and metadata."""
        found = self.objects.get(bucket, name, request.query.get("generation"))
        _hold(request.query, found)
        changed = _settable(request.json)
        return self.objects.tell(found, uploads.told(changed, found.told)).to_dict()

    def rewrite(self, request: Request, *names: str) -> Any:
        """objects.rewrite: within one location it is done in one call."""
        made = self.copy(request, *names)
        size = made["size"]
        done = {"kind": "storage#rewriteResponse", "done": True, "resource": made}
        return {**done, "totalBytesRewritten": size, "objectSize": size}

    def copy(
        self, request: Request, bucket: str, name: str, to_bucket: str, to_name: str
    ) -> Any:
        """objects.copy."""
        asked = request.query
        source = self.objects.get(bucket, name, asked.get("sourceGeneration"))
        if asked.get("ifSourceGenerationMatch") not in (None, str(source.generation)):
            raise RefusedError(412, "ifSourceGenerationMatch does not hold")
        self.objects.require_bucket(to_bucket)
        _hold(asked, self.objects.found(to_bucket, to_name))
        told = uploads.told(_settable(request.json), source.told)
        return self.objects.put(to_bucket, to_name, source.content, told).to_dict()

    def compose(self, request: Request, bucket: str, name: str) -> Any:
        """objects.compose: up to 32 objects of a bucket, one after another."""
        sources = request.json.get("sourceObjects") or []
        if not 1 <= len(sources) <= 32:
            raise RefusedError(400, f"{len(sources)} sources; between 1 and 32")
        _hold(request.query, self.objects.found(bucket, name))
        parts = [
            self.objects.get(bucket, each["name"], each.get("generation"))
            for each in sources
        ]
        told = uploads.told(_settable(request.json.get("destination") or {}))
        content = b"".join(part.content for part in parts)
        made = self.objects.put(bucket, name, content, told).to_dict()
        del made["md5Hash"]  # composite objects have none
        return {**made, "componentCount": len(parts)}

    # Uploads

    def insert(self, request: Request, bucket: str) -> Any:
        """objects.insert, in its three ways."""
        self.objects.require_bucket(bucket)
        kind = request.query.get("uploadType")
        if kind == "resumable":
            return self._resumable.begin(bucket, request)
        known = {"media": uploads.media, "multipart": uploads.multipart}
        if kind not in known:
            raise RefusedError(400, f"uploadType {kind!r}")
        return self._made(known[kind](bucket, request))

    def go_on(self, request: Request, bucket: str) -> Any:
        """A chunk of a resumable upload, or its end."""
        done = self._resumable.go_on(request.query.get("upload_id", ""), request)
        return done if isinstance(done, Answer) else self._made(done)

    def _made(self, upload: Upload) -> Any:
        told = _settable(upload.resource)
        for name, seen in zip(
            ("crc32c", "md5Hash"), hashes(upload.content), strict=True
        ):
            if told.get(name) not in (None, seen):
                raise RefusedError(400, f"{name} {told[name]} is not that of the bytes")
        _hold(upload.query, self.objects.found(upload.bucket, upload.name))
        made = self.objects.put(upload.bucket, upload.name, upload.content, upload.told)
        return made.to_dict()

    # Batches

    def batch(self, request: Request) -> Answer:
        """Up to 100 requests in one body."""
        head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n"
        message = email.message_from_bytes(
            head.encode() + request.body, policy=email.policy.HTTP
        )
        parts = list(message.iter_parts()) if message.is_multipart() else []
        if not 1 <= len(parts) <= 100:
            raise RefusedError(400, f"{len(parts)} requests; between 1 and 100")
        boundary = "batch_" + secrets.token_hex(8)
        lines = [self._of_batch(request, part, boundary) for part in parts]
        body = b"".join(lines) + f"--{boundary}--".encode()
        kind = f"multipart/mixed; boundary={boundary}"
        return Answer(200, body, {"Content-Type": kind})

    def _of_batch(self, outer: Request, part: Any, boundary: str) -> bytes:
        text = part.get_payload(decode=True).replace(b"\r\n", b"\n")
        head, _, body = text.partition(b"\n\n")
        first, *rest = head.decode().splitlines()
        method, target, _ = first.split(" ")
        headers = dict(outer.headers)
        headers |= {n.lower(): v for n, v in (line.split(": ", 1) for line in rest)}
        parsed = urllib.parse.urlsplit(target)
        local = f"{parsed.path}?{parsed.query}" if parsed.query else parsed.path
        answer = self.answer(Request(method, local, headers, body.strip()))
        number = str(part["Content-ID"]).strip("<>")
        return (
            f"--{boundary}\r\nContent-Type: application/http\r\n"
            f"Content-ID: <response-{number}>\r\n\r\n"
            f"HTTP/1.1 {answer.status} X\r\n"
            f"Content-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(answer.body)}\r\n\r\n"
        ).encode() + (answer.body + b"\r\n")


def _shown(request: Request, value: Any) -> Answer:
    wanted = request.query.get("fields")
    return of_json(fields.chosen(value, wanted) if wanted else value)


def _settable(resource: dict[str, Any]) -> dict[str, Any]:
    """Refuses what an object cannot be told here."""
    unknown = {key for key, value in resource.items() if value} - _SETTABLE
    if unknown:
        raise RefusedError(501, f"fields that this fake does not keep: {unknown}")
    return resource


def _hold(
    query: Mapping[str, str], found: Object | None, *, reading: bool = False
) -> None:
    """Refuses where a precondition does not hold; generation 0 means: is not there."""
    seen = {
        "Generation": found.generation if found else 0,
        "Metageneration": found.metageneration if found else 0,
    }
    for name, value in seen.items():
        for words, good in (("Match", True), ("NotMatch", False)):
            asked = query.get(f"if{name}{words}")
            if asked is not None and (int(asked) == value) is not good:
                status = 304 if reading and not good else 412
                raise RefusedError(
                    status, f"At least one of the pre-conditions: if{name}{words}"
                )


def _content(request: Request, found: Object) -> Answer:
    """All of it, or the bytes that Range asks for."""
    crc32c, md5 = hashes(found.content)
    headers = {
        "Content-Type": found.told.content_type,
        "ETag": f'"{found.etag}"',
        "X-Goog-Generation": str(found.generation),
        "X-Goog-Metageneration": str(found.metageneration),
        "X-Goog-Hash": f"crc32c={crc32c},md5={md5}",
        "X-Goog-Stored-Content-Encoding": "identity",
        "X-Goog-Stored-Content-Length": str(len(found.content)),
    }
    asked, size = request.headers.get("range"), len(found.content)
    if asked is None:
        return Answer(200, found.content, headers)
    first, last = _range(asked, size)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Answer(206, found.content[first : last + 1], headers)


def _range(text: str, size: int) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not found or not any(found.groups()):
        raise RefusedError(400, f"Invalid Range {text!r}")
    start, end = found.groups()
    if not start:
        first, last = max(0, size - int(end)), size - 1
    else:
        first, last = int(start), min(int(end or size - 1), size - 1)
    if first > last:
        raise RefusedError(416, "The requested range cannot be satisfied.")
    return first, last


_B, _O = r"/storage/v1/b/([^/]+)", r"/o/([^/]+)"
_READING = {"generation", "ifGenerationMatch", "ifMetagenerationMatch"} | _CONDITIONS
_COPYING = {"rewriteToken", "maxBytesRewrittenPerCall", *_OF_SOURCE, *_CONDITIONS}
_Handler = Callable[..., Any]
_ROUTES: list[tuple[str, str, set[str], _Handler]] = [
    ("GET", _B, {"ifMetagenerationMatch"}, Api.bucket),
    ("GET", f"{_B}/storageLayout", {"prefix"}, Api.layout),
    ("GET", f"{_B}/o", _LISTING, Api.list),
    ("GET", f"{_B}{_O}", _READING, Api.get),
    ("GET", f"/download{_B}{_O}", _READING, Api.content),
    ("DELETE", f"{_B}{_O}", _READING, Api.delete),
    ("PATCH", f"{_B}{_O}", _READING, Api.patch),
    ("POST", f"{_B}{_O}/rewriteTo/b/([^/]+){_O}", _COPYING, Api.rewrite),
    ("POST", f"{_B}{_O}/copyTo/b/([^/]+){_O}", _COPYING, Api.copy),
    ("POST", f"{_B}{_O}/compose", _CONDITIONS, Api.compose),
    ("POST", f"/upload{_B}/o", _UPLOADING, Api.insert),
    ("PUT", f"/upload{_B}/o", _UPLOADING, Api.go_on),
    ("DELETE", f"/upload{_B}/o", _UPLOADING, Api.go_on),
    ("POST", "/batch/storage/v1", set(), Api.batch),
    (
        "GET",
        "/v1/projects/-/serviceAccounts/([^/]+)/allowedLocations",
        set(),
        Api.locations,
    ),
    ("GET", r"/(?!storage/|upload/|download/)([^/]+)/(.+)", _READING, Api.content),
]
