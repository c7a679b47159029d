"""Google's REST services that a preflight asks, and a Docker registry, over HTTP.

An unknown thing is 404; a test makes things known by putting them into the dicts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

from tests.fakes import rest as rest_lib
from tests.fakes.rest import Answer, refused

_SERVICES = ("STORAGE", "SERVICEUSAGE", "IAM", "CLOUDRESOURCEMANAGER")


@dataclasses.dataclass
class GoogleRest:
    """What the services know."""

    address: str = ""
    """host:port, also of the Docker registry."""

    projects: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    """Id -> fields."""

    buckets: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    objects: dict[str, bytes] = dataclasses.field(default_factory=dict)
    """gs://BUCKET/NAME -> content."""

    page_size: int = 1000
    """Of a list of objects."""

    enabled: set[str] = dataclasses.field(default_factory=set)
    """Services of every project, such as aiplatform.googleapis.com."""

    accounts: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    """E-mail -> the permissions that the caller has on it."""

    manifests: dict[str, str] = dataclasses.field(default_factory=dict)
    """NAME@DIGEST or NAME:TAG -> digest."""

    faults: dict[str, int] = dataclasses.field(default_factory=dict)
    """Beginning of a path -> status that it is answered with."""

    silent: bool = False
    """Whether requests wait for an answer until the test has ended."""

    ended: threading.Event = dataclasses.field(default_factory=threading.Event)
    requests: list[str] = dataclasses.field(default_factory=list)
    """'METHOD /path' of each."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find it, over that of server.Cloud."""
        url = f"http://{self.address}"
        return {
            **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}": url for name in _SERVICES},
            **rest_lib.credentials(self.address),
        }

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Status, JSON and headers."""
        if self.silent:
            self.ended.wait()
        given = json.loads(body) if body else None
        for begin, status in self.faults.items():
            if path.startswith(begin):
                return refused(status, f"fault {status}")
        for pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                return handler(self, *found.groups(), given)
        return refused(404, f"no such method: {method} {path}")


def _known(found: Any, words: str) -> Answer:
    return (200, found, {}) if found is not None else refused(404, words)


def _project(rest: GoogleRest, name: str, body: Any) -> Answer:
    # Resource Manager does not say whether a project exists that one may not see.
    found = rest.projects.get(name)
    words = f"The caller does not have permission, or no project {name}"
    return (200, found, {}) if found else refused(403, words)


def _bucket(rest: GoogleRest, name: str, body: Any) -> Answer:
    return _known(rest.buckets.get(name), "The specified bucket does not exist.")


def _object(rest: GoogleRest, bucket: str, name: str, body: Any) -> Answer:
    content = rest.objects.get(f"gs://{bucket}/{urllib.parse.unquote(name)}")
    return _known(content, "No such object")


def _objects(rest: GoogleRest, bucket: str, query: str, body: Any) -> Answer:
    """Names that begin so, by the alphabet, some at a time."""
    if bucket not in rest.buckets:
        return refused(404, "The specified bucket does not exist.")
    asked = dict(urllib.parse.parse_qsl(query))
    begin = f"gs://{bucket}/{asked.get('prefix', '')}"
    names = sorted(name for name in rest.objects if name.startswith(begin))
    start = int(asked.get("pageToken", 0))
    end = start + min(rest.page_size, int(asked.get("maxResults", 1000)))
    items = [{"name": n.removeprefix(f"gs://{bucket}/")} for n in names[start:end]]
    more = {"nextPageToken": str(end)} if end < len(names) else {}
    return 200, {**({"items": items} if items else {}), **more}, {}


def _services(rest: GoogleRest, project: str, query: str, body: Any) -> Answer:
    states = []
    for part in query.split("&"):
        name = part.removeprefix("names=").replace("%2F", "/")
        on = name.rsplit("/", 1)[-1] in rest.enabled
        states.append({"name": name, "state": "ENABLED" if on else "DISABLED"})
    return 200, {"services": states}, {}


def _account(rest: GoogleRest, email: str, body: Any) -> Answer:
    found = {"email": email} if email in rest.accounts else None
    return _known(found, f"Unknown service account {email}")


def _test_permissions(rest: GoogleRest, email: str, body: Any) -> Answer:
    held = rest.accounts.get(email, set()) & set(body["permissions"])
    return 200, {"permissions": sorted(held)} if held else {}, {}


def _manifest(rest: GoogleRest, image: str, reference: str, body: Any) -> Answer:
    mark = "@" if reference.startswith("sha256:") else ":"
    digest = rest.manifests.get(f"{image}{mark}{reference}")
    if digest is None:
        return refused(404, "manifest unknown")
    return 200, {}, {"Docker-Content-Digest": digest}


_ROUTES = [
    (r"/v3/projects/([^/?]+)", _project),
    (r"/storage/v1/b/([^/?]+)(?:\?fields=.*)?", _bucket),
    (r"/storage/v1/b/([^/?]+)/o/([^/?]+)\?alt=media", _object),
    (r"/storage/v1/b/([^/?]+)/o\?(.*)", _objects),
    (r"/v1/projects/([^/?]+)/services:batchGet\?(.+)", _services),
    (r"/v1/projects/-/serviceAccounts/([^/?:]+)", _account),
    (r"/v1/projects/-/serviceAccounts/([^/?:]+):testIamPermissions", _test_permissions),
    (r"/v2/(.+)/manifests/([^/?]+)", _manifest),
]


@contextlib.contextmanager
def running() -> Iterator[GoogleRest]:
    """The services on a free port of loopback, knowing nothing yet."""
    rest = GoogleRest()
    with rest_lib.serving(rest.answer, rest.requests) as address:
        rest.address = address
        try:
            yield rest
        finally:
            rest.ended.set()
