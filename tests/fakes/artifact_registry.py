"""Artifact Registry with one repository of the format KFP: gRPC, and its own HTTPS.

What kfp's client sends to HTTPS: a POST of the file and its tags to the repository, a
GET of package and tag or version. Everything else is the API's, over gRPC.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import email.parser
import email.policy
import hashlib
import http.server
import json
import re
import ssl
import threading
import types
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from google.cloud.artifactregistry_v1.types import package, tag, version
from google.longrunning import operations_pb2
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.fakes import filters, server

_VERSION = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9._~:@-]{1,128}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{3,127}")


@dataclasses.dataclass
class _Package:
    versions: dict[str, tuple[bytes, datetime.datetime]]
    tags: dict[str, str]


class ArtifactRegistry:
    """Its ArtifactRegistry service, and the host of its repository."""

    name = "google.devtools.artifactregistry.v1.ArtifactRegistry"

    def __init__(
        self, operations: server.Operations, repository: str = "pipelines"
    ) -> None:
        self.repository = repository
        self.parent = f"{server.PARENT}/repositories/{repository}"
        self.packages: dict[str, _Package] = {}
        self.faults: list[tuple[int, str]] = []
        """(status, words) that the HTTPS host answers first, one a request."""
        self.uploads: list[dict[str, Any]] = []
        """What was posted: tags, content, headers."""
        self.renames_to = ""
        """A package's name that it gives in place of the pipeline's."""
        self._operations = operations
        self._clock = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)

    def methods(self) -> Mapping[str, server.Method]:
        """Those on packages, versions and tags."""
        return types.MappingProxyType(
            {
                "ListPackages": server.Method(
                    package.ListPackagesRequest,
                    package.ListPackagesResponse,
                    self._list_packages,
                ),
                "ListVersions": server.Method(
                    version.ListVersionsRequest,
                    version.ListVersionsResponse,
                    self._list_versions,
                ),
                "ListTags": server.Method(
                    tag.ListTagsRequest, tag.ListTagsResponse, self._list_tags
                ),
                "CreateTag": server.Method(
                    tag.CreateTagRequest, tag.Tag, self._create_tag
                ),
                "UpdateTag": server.Method(
                    tag.UpdateTagRequest, tag.Tag, self._update_tag
                ),
                "DeleteTag": server.Method(
                    tag.DeleteTagRequest, server.EMPTY, self._delete_tag
                ),
                "DeleteVersion": server.Method(
                    version.DeleteVersionRequest,
                    operations_pb2.Operation,
                    self._delete_version,
                ),
            }
        )

    @contextlib.contextmanager
    def host(self) -> Iterator[str]:
        """Its HTTPS host runs; gives the repository's URL."""
        httpd = http.server.ThreadingHTTPServer(("localhost", 0), _handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server._authority()[1].configure_cert(context)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        try:
            port = httpd.server_address[1]
            yield f"https://localhost:{port}/{server.PROJECT}/{self.repository}"
        finally:
            httpd.shutdown()
            thread.join()
            httpd.server_close()

    def upload(self, content: bytes, tags: list[str]) -> tuple[str, str]:
        """Takes a template; the same bytes are the same version."""
        name = self.renames_to or _pipeline_name(content)
        for text in tags:
            _require(_TAG.fullmatch(text), f"Invalid tag: {text!r}")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        found = self.packages.setdefault(name, _Package({}, {}))
        self._clock += datetime.timedelta(minutes=1)
        found.versions.setdefault(digest, (content, self._clock))
        found.tags.update(dict.fromkeys(tags, digest))
        return name, digest

    def content(self, name: str, reference: str) -> bytes | None:
        """Of a package's tag or version."""
        found = self.packages.get(name, _Package({}, {}))
        known = found.versions.get(found.tags.get(reference, reference))
        return known[0] if known else None

    def _list_packages(self, request: Any) -> Any:
        if request.parent != self.parent:
            server.refuse("NOT_FOUND", f"Repository {request.parent} not found.")
        page, token = filters.page(sorted(self.packages), request, 1000)
        return package.ListPackagesResponse(
            packages=[
                package.Package(name=f"{self.parent}/packages/{n}") for n in page
            ],
            next_page_token=token,
        )

    def _list_versions(self, request: Any) -> Any:
        found = self._package(request.parent)
        page, token = filters.page(sorted(found.versions), request, 1000)
        full = request.view == version.VersionView.FULL
        return version.ListVersionsResponse(
            versions=[
                version.Version(
                    name=f"{request.parent}/versions/{digest}",
                    create_time=found.versions[digest][1],
                    update_time=found.versions[digest][1],
                    related_tags=[
                        _tag(request.parent, name, digest)
                        for name, target in sorted(found.tags.items())
                        if full and target == digest
                    ],
                )
                for digest in page
            ],
            next_page_token=token,
        )

    def _list_tags(self, request: Any) -> Any:
        found = self._package(request.parent)
        page, token = filters.page(sorted(found.tags), request, 1000)
        tags = [_tag(request.parent, name, found.tags[name]) for name in page]
        return tag.ListTagsResponse(tags=tags, next_page_token=token)

    def _create_tag(self, request: Any) -> Any:
        found = self._package(request.parent)
        _require(_TAG.fullmatch(request.tag_id), f"Invalid tag id: {request.tag_id!r}")
        if request.tag_id in found.tags:
            server.refuse("ALREADY_EXISTS", f"Tag {request.tag_id} already exists.")
        digest = _digest(found, request.parent, request.tag.version)
        found.tags[request.tag_id] = digest
        return _tag(request.parent, request.tag_id, digest)

    def _update_tag(self, request: Any) -> Any:
        parent, _, name = request.tag.name.partition("/tags/")
        found = self._package(parent)
        if name not in found.tags:
            server.refuse("NOT_FOUND", f"Tag {request.tag.name} not found.")
        _require(
            list(request.update_mask.paths) == ["version"],
            "The update mask must be: version",
        )
        found.tags[name] = _digest(found, parent, request.tag.version)
        return _tag(parent, name, found.tags[name])

    def _delete_tag(self, request: Any) -> Any:
        parent, _, name = request.name.partition("/tags/")
        if self._package(parent).tags.pop(name, None) is None:
            server.refuse("NOT_FOUND", f"Tag {request.name} not found.")
        return server.EMPTY()

    def _delete_version(self, request: Any) -> Any:
        parent, _, digest = request.name.partition("/versions/")
        found = self._package(parent)
        if digest not in found.versions:
            server.refuse("NOT_FOUND", f"Version {request.name} not found.")
        tags = [name for name, target in found.tags.items() if target == digest]
        if tags and not request.force:
            server.refuse(
                "FAILED_PRECONDITION",
                f"Version is tagged ({', '.join(tags)}); set force to delete it.",
            )

        def gone() -> None:
            for name in tags:
                found.tags.pop(name, None)
            found.versions.pop(digest, None)

        return self._operations.started(server.EMPTY(), gone)

    def _package(self, name: str) -> _Package:
        parent, _, short = name.partition("/packages/")
        if parent != self.parent or short not in self.packages:
            server.refuse("NOT_FOUND", f"Package {name} not found.")
        return self.packages[short]


def _digest(found: _Package, parent: str, name: str) -> str:
    begin, _, digest = name.partition("/versions/")
    _require(begin == parent and _VERSION.fullmatch(digest), f"Invalid version: {name}")
    if digest not in found.versions:
        server.refuse("NOT_FOUND", f"Version {name} not found.")
    return digest


def _tag(parent: str, name: str, digest: str) -> Any:
    return tag.Tag(name=f"{parent}/tags/{name}", version=f"{parent}/versions/{digest}")


def _require(held: Any, words: str) -> None:
    if not held:
        server.refuse("INVALID_ARGUMENT", words)


def _pipeline_name(content: bytes) -> str:
    """Of a spec that has nothing that the format does not know."""
    spec = pipeline_spec_pb2.PipelineSpec()
    try:
        json_format.ParseDict(yaml.safe_load(content), spec)
    except (yaml.YAMLError, json_format.ParseError, AttributeError) as error:
        server.refuse("INVALID_ARGUMENT", f"Invalid pipeline spec: {error}")
    name = spec.pipeline_info.name
    _require(_NAME.fullmatch(name), f"Invalid pipeline name: {name!r}")
    return name


_STATUS = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404}


def _handler(registry: ArtifactRegistry) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"] or 0)))

        def _answer(self, body: bytes) -> None:
            try:
                status, content = self._handled(body)
            except server.RefusedError as no:
                status, content = _STATUS[no.code.name], _words(no.words)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _handled(self, body: bytes) -> tuple[int, bytes]:
            if not self.headers.get("Authorization", "").startswith("Bearer "):
                return 401, _words("Unauthenticated request.")
            if registry.faults:
                status, words = registry.faults.pop(0)
                return status, _words(words)
            project, _, rest = self.path.removeprefix("/").partition("/")
            repository, _, rest = rest.partition("/")
            if (project, repository) != (server.PROJECT, registry.repository):
                return 404, _words(f"Repository {project}/{repository} not found.")
            if self.command == "POST":
                return 200, self._uploaded(body)
            name, _, reference = rest.partition("/")
            content = registry.content(name, reference)
            return (200, content) if content else (404, _words(f"{rest} not found."))

        def _uploaded(self, body: bytes) -> bytes:
            fields = _fields(self.headers["Content-Type"], body)
            _require(set(fields) <= {"tags", "content"}, f"Unknown: {sorted(fields)}")
            _require("content" in fields, "No file in the field `content`.")
            tags = [t for t in fields.get("tags", b"").decode().split(",") if t]
            registry.uploads.append({"tags": tags, "content": fields["content"]})
            return "/".join(registry.upload(fields["content"], tags)).encode()

    return Handler


def _fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """Of a multipart form."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    form = parser.parsebytes(head + body)
    _require(form.is_multipart(), "Expected multipart/form-data.")
    return {
        str(part.get_param("name", header="content-disposition")): bytes(
            part.get_payload(decode=True)
        )
        for part in form.iter_parts()
    }


def _words(text: str) -> bytes:
    return json.dumps({"error": {"message": text}}).encode()
