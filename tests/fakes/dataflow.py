"""Dataflow over REST, the bucket that its jobs are staged in, and the token for both.

It takes jobs and does not run them: each is answered as done.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import google_crc32c
from google.cloud import dataflow_v1beta3 as dataflow
from google.protobuf import json_format

from tests.fakes import rest
from tests.fakes.rest import Answer, refused


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
        return {"STORAGE_EMULATOR_HOST": url, **rest.credentials(self.address)}

    def answer(self, method: str, url: str, body: bytes) -> Answer:
        """Status, JSON and headers."""
        path, _, query = url.partition("?")
        given = dict(urllib.parse.parse_qsl(query))
        for verb, pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return handler(self, *found.groups(), given, body)
        return refused(404, f"no such method: {method} {path}")


def _create(
    service: Dataflow, project: str, region: str, given: Any, body: bytes
) -> Answer:
    job = dataflow.Job()
    try:
        json_format.Parse(body, job._pb)
    except json_format.ParseError as error:
        return refused(400, f"Invalid JSON payload received. {error}")
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?", job.name):
        return refused(400, f"The job name {job.name!r} is invalid")
    if not job.environment.worker_pools:
        return refused(400, "The workflow has no worker pool")
    service.submitted.append(Submitted(project, region, job))
    job.id = f"2026-11-25_00_00_00-{len(service.submitted)}"
    job.current_state = dataflow.JobState.JOB_STATE_DONE
    return 200, json_format.MessageToDict(job._pb), {}


def _bucket(service: Dataflow, name: str, given: Any, body: bytes) -> Answer:
    if name != service.bucket:
        return refused(404, "The specified bucket does not exist.")
    return 200, {"kind": "storage#bucket", "name": name}, {}


def _object(
    service: Dataflow, bucket: str, name: str, given: Any, body: bytes
) -> Answer:
    name = urllib.parse.unquote(name)
    if f"gs://{bucket}/{name}" not in service.objects:
        return refused(404, f"No such object: {bucket}/{name}")
    return 200, {"kind": "storage#object", "name": name, "bucket": bucket}, {}


def _begin(
    service: Dataflow, bucket: str, given: dict[str, str], body: bytes
) -> Answer:
    name = given.get("name") or json.loads(body)["name"]
    query = urllib.parse.urlencode({"name": name, "upload_id": "1"})
    service.objects[f"gs://{bucket}/{name}"] = b""
    place = f"http://{service.address}/upload/storage/v1/b/{bucket}/o?{query}"
    return 200, {}, {"Location": place}


def _go_on(
    service: Dataflow, bucket: str, given: dict[str, str], body: bytes
) -> Answer:
    path = f"gs://{bucket}/{given['name']}"
    service.objects[path] += body
    content = service.objects[path]
    checksum = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
    stored = {"name": given["name"], "bucket": bucket, "size": str(len(content))}
    return 200, {**stored, "crc32c": checksum}, {}


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
    with rest.serving(service.answer) as address:
        # The one name that Beam takes without TLS.
        service.address = address.replace("127.0.0.1", "localhost")
        yield service
