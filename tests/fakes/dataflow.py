"""Dataflow over REST, the bucket that its jobs are staged in, and the token for both.

It takes jobs and does not run them: each is answered as done.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from http import server as http
from typing import Any

import google_crc32c
from google.cloud import dataflow_v1beta3 as dataflow
from google.protobuf import json_format

from tests.fakes import server

TOKEN = "ya29.loopback"


@dataclasses.dataclass
class Submitted:
    """One job as it came."""

    project: str
    region: str
    job: dataflow.Job


@dataclasses.dataclass
class Dataflow:
    """What came in."""

    bucket: str
    """The only one there is."""

    address: str = ""
    submitted: list[Submitted] = dataclasses.field(default_factory=list)
    objects: dict[str, bytes] = dataclasses.field(default_factory=dict)
    """gs://BUCKET/NAME -> content."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach the bucket, and to be let in."""
        url = f"http://{self.address}"
        return {
            "STORAGE_EMULATOR_HOST": url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(
                server.service_account(f"{url}/token")
            ),
            "NO_GCE_CHECK": "true",
        }

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON."""
        path, _, query = url.partition("?")
        given = dict(urllib.parse.parse_qsl(query))
        for verb, pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return handler(self, *found.groups(), given, body)
        return _error(404, f"no such method: {method} {path}")


def _error(status: int, words: str) -> tuple[int, Any]:
    return status, {"error": {"code": status, "message": words}}


def _create(
    service: Dataflow, project: str, region: str, given: Any, body: bytes
) -> tuple[int, Any]:
    job = dataflow.Job()
    try:
        json_format.Parse(body, job._pb)
    except json_format.ParseError as error:
        return _error(400, f"Invalid JSON payload received. {error}")
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?", job.name):
        return _error(400, f"The job name {job.name!r} is invalid")
    if not job.environment.worker_pools:
        return _error(400, "The workflow has no worker pool")
    service.submitted.append(Submitted(project, region, job))
    job.id = f"2026-11-25_00_00_00-{len(service.submitted)}"
    job.current_state = dataflow.JobState.JOB_STATE_DONE
    return 200, json_format.MessageToDict(job._pb)


def _bucket(service: Dataflow, name: str, given: Any, body: bytes) -> tuple[int, Any]:
    if name != service.bucket:
        return _error(404, "The specified bucket does not exist.")
    return 200, {"kind": "storage#bucket", "name": name}


def _object(
    service: Dataflow, bucket: str, name: str, given: Any, body: bytes
) -> tuple[int, Any]:
    name = urllib.parse.unquote(name)
    if f"gs://{bucket}/{name}" not in service.objects:
        return _error(404, f"No such object: {bucket}/{name}")
    return 200, {"kind": "storage#object", "name": name, "bucket": bucket}


def _begin(
    service: Dataflow, bucket: str, given: dict[str, str], body: bytes
) -> tuple[int, Any]:
    name = given.get("name") or json.loads(body)["name"]
    query = urllib.parse.urlencode({"name": name, "upload_id": "1"})
    service.objects[f"gs://{bucket}/{name}"] = b""
    return 200, {"Location": f"/upload/storage/v1/b/{bucket}/o?{query}"}


def _go_on(
    service: Dataflow, bucket: str, given: dict[str, str], body: bytes
) -> tuple[int, Any]:
    path = f"gs://{bucket}/{given['name']}"
    service.objects[path] += body
    content = service.objects[path]
    checksum = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
    stored = {"name": given["name"], "bucket": bucket, "size": str(len(content))}
    return 200, {**stored, "crc32c": checksum}


_ROUTES = [
    ("POST", r"/v1b3/projects/([^/]+)/locations/([^/]+)/jobs", _create),
    ("GET", r"/storage/v1/b/([^/]+)", _bucket),
    ("GET", r"/storage/v1/b/([^/]+)/o/([^/]+)", _object),
    ("POST", r"/upload/storage/v1/b/([^/]+)/o", _begin),
    ("PUT", r"/upload/storage/v1/b/([^/]+)/o", _go_on),
]


@contextlib.contextmanager
def running(bucket: str) -> Iterator[Dataflow]:
    """The services on a free port of loopback."""
    service = Dataflow(bucket)

    class Handler(http.BaseHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def do_PUT(self) -> None:
            self._reply()

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/token":
                token = {"access_token": TOKEN, "expires_in": 3600}
                self._send(200, {**token, "token_type": "Bearer"})
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(*_error(401, "Request had invalid credentials"))
            else:
                self._send(*service.answer(self.command, self.path, body))

        def _send(self, status: int, value: dict[str, Any]) -> None:
            raw = json.dumps(value).encode()
            self.send_response(status)
            if "Location" in value:
                self.send_header(
                    "Location", f"http://{service.address}{value['Location']}"
                )
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    with http.ThreadingHTTPServer(("localhost", 0), Handler) as listening:
        service.address = f"localhost:{listening.server_address[1]}"
        thread = threading.Thread(
            target=listening.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        try:
            yield service
        finally:
            listening.shutdown()
            thread.join()
