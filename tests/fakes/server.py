"""A loopback cloud: Google's services over TLS and gRPC, with their own protobufs.

It knows nothing of Millrace. Whatever uses Google's libraries finds it through the
environment that it gives: gcloud's variables, credentials of a service account, and the
certificate to trust.

    with server.running(jobs.PipelineJobs()) as cloud:
        subprocess.run([...], env={**os.environ, **cloud.environment})
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import tempfile
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import grpc
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.future import polling
from google.protobuf import empty_pb2, unknown_fields

PROJECT, REGION = "trips-project", "europe-west4"
PARENT = f"projects/{PROJECT}/locations/{REGION}"


class RefusedError(Exception):
    """What a service answers instead: a code of gRPC and words."""

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


def refuse(code: str, words: str) -> None:
    """Ends the request with the code, such as 'NOT_FOUND'."""
    raise RefusedError(grpc.StatusCode[code], words)


@dataclasses.dataclass(frozen=True)
class Method:
    """One method of a service."""

    request: Any
    """Its type: of proto-plus, or of protobuf."""

    response: Any
    answer: Callable[[Any], Any]


class Service(Protocol):
    """A service: its name with the package, its methods by name."""

    name: str

    def methods(self) -> Mapping[str, Method]:
        """The methods that it has; another one is UNIMPLEMENTED."""
        ...


@dataclasses.dataclass
class Cloud:
    """A running one."""

    address: str
    """host:port."""

    calls: list[tuple[str, Any]] = dataclasses.field(default_factory=list)
    """(method, request) of every request, refused ones too."""

    faults: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    """(method, code, words) to answer first, one a request."""

    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    """What a process needs to find and trust it."""

    def asked(self, method: str) -> list[Any]:
        """The requests of a method."""
        return [request for name, request in self.calls if name == method]

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Lets this process, too, find it."""
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextlib.contextmanager
def running(*services: Service) -> Iterator[Cloud]:
    """A cloud with these services, on a free port of loopback."""
    pool = futures.ThreadPoolExecutor(4)
    server = grpc.server(pool)
    _, certificate = _authority()
    port = server.add_secure_port(
        "localhost:0",
        grpc.ssl_server_credentials(
            [
                (
                    certificate.private_key_pem.bytes(),
                    certificate.cert_chain_pems[0].bytes(),
                )
            ]
        ),
    )
    cloud = Cloud(f"localhost:{port}")
    lock = threading.Lock()
    for service in _with_operations(services):
        handlers = {
            name: _handler(cloud, lock, name, method)
            for name, method in service.methods().items()
        }
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service.name, handlers)]
        )
    cloud.environment = {
        **{
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}": f"https://{cloud.address}/"
            for name in ("AIPLATFORM", "ARTIFACTREGISTRY", "SECRETMANAGER")
        },
        "GOOGLE_APPLICATION_CREDENTIALS": str(service_account()),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots()),
        "NO_GCE_CHECK": "true",
    }
    server.start()
    try:
        # The client looks first after a second.
        with mock.patch.object(polling.DEFAULT_POLLING, "_initial", 0.02):
            yield cloud
    finally:
        server.stop(None).wait()
        pool.shutdown()


def _with_operations(services: Iterable[Service]) -> list[Service]:
    """The services, and what their long-running requests are asked for, once."""
    started = [getattr(service, "_operations", None) for service in services]
    every = [each for each in (*services, *started) if each is not None]
    return list({id(each): each for each in every}.values())


def roots() -> Path:
    """The certificate of the authority to trust, as PEM; the same in one process.

    gRPC reads the variable once, so tests/conftest.py sets it before anything asks.
    """
    return _authority()[0]


@functools.cache
def service_account(token_uri: str = "http://127.0.0.1:9/token") -> Path:
    """A key file of a service account that nobody but this process knows.

    Args:
      token_uri: where REST clients get their tokens; gRPC's sign their own.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = _folder() / f"service-account-{len(os.listdir(_folder()))}.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "1",
                "private_key": pem.decode(),
                "client_email": f"tester@{PROJECT}.iam.gserviceaccount.com",
                "client_id": "1",
                "token_uri": token_uri,
            }
        ),
        encoding="utf-8",
    )
    return file


@functools.cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="loopback-cloud-"))


@functools.cache
def _authority() -> tuple[Path, trustme.LeafCert]:
    """One for the process: gRPC reads the roots to trust once."""
    authority = trustme.CA()
    file = _folder() / "roots.pem"
    authority.cert_pem.write_to_path(str(file))
    return file, authority.issue_cert("localhost", "127.0.0.1")


def _handler(cloud: Cloud, lock: Any, name: str, method: Method) -> Any:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        with lock:
            cloud.calls.append((name, request))
            try:
                _require_credentials(context)
                _require_known_fields(request)
                _fail_as_told(cloud, name)
                return method.answer(request)
            except RefusedError as no:
                context.abort(no.code, no.words)

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=_parser(method.request),
        response_serializer=_writer(method.response),
    )


def _parser(kind: Any) -> Any:
    return getattr(kind, "deserialize", None) or kind.FromString


def _writer(kind: Any) -> Any:
    return getattr(kind, "serialize", None) or kind.SerializeToString


def _require_credentials(context: grpc.ServicerContext) -> None:
    metadata = dict(context.invocation_metadata())
    if not str(metadata.get("authorization", "")).startswith("Bearer "):
        refuse("UNAUTHENTICATED", "Request is missing required authentication")


def _require_known_fields(request: Any) -> None:
    """A field that the API has not is an error, as the real one says."""
    message = getattr(type(request), "pb", lambda value: value)(request)
    if len(unknown_fields.UnknownFieldSet(message)):
        refuse("INVALID_ARGUMENT", "Unknown field in the request")


def _fail_as_told(cloud: Cloud, name: str) -> None:
    for fault in list(cloud.faults):
        method, code, words = fault
        if method == name:
            cloud.faults.remove(fault)
            refuse(code, words)


@dataclasses.dataclass
class _Running:
    """One that has begun."""

    operation: Any
    left: int
    """How often it is asked for before it ends."""

    end: Callable[[], None]


class Operations:
    """google.longrunning.Operations: what other services started; it takes time.

    A service that starts something returns `operations.started(response, effect)`. What
    it does is there when the operation has ended, and not before.
    """

    name = "google.longrunning.Operations"

    def __init__(self) -> None:
        self.polls = 1
        """How often each is asked for before it has ended; 0: it has at once."""

        self.fails: list[tuple[str, str]] = []
        """(code, words) that the next ones end with, without any effect."""

        self.lost = 0
        """How many of the next ones nobody knows when they are asked for."""

        self._known: dict[str, _Running] = {}
        self._number = 0

    def started(
        self,
        response: Any,
        effect: Callable[[], object] = lambda: None,
        metadata: Any = None,
    ) -> Any:
        """An operation that will end with this response (a raw protobuf).

        Args:
          response: to pack when it has ended.
          effect: what it does; called when it ends.
          metadata: to pack at once.
        """
        from google.longrunning import operations_pb2

        self._number += 1
        operation = operations_pb2.Operation(name=f"{PARENT}/operations/{self._number}")
        if metadata is not None:
            operation.metadata.Pack(metadata)
        failure = self.fails.pop(0) if self.fails else None

        def end() -> None:
            operation.done = True
            if failure:
                operation.error.code = grpc.StatusCode[failure[0]].value[0]
                operation.error.message = failure[1]
                return
            effect()
            operation.response.Pack(response)

        running = _Running(operation, self.polls, end)
        if not self.polls:
            end()
        if self.lost:
            self.lost -= 1
            effect()
        else:
            self._known[operation.name] = running
        return operation

    def methods(self) -> Mapping[str, Method]:
        """Get only."""
        from google.longrunning import operations_pb2

        return types.MappingProxyType(
            {
                "GetOperation": Method(
                    operations_pb2.GetOperationRequest,
                    operations_pb2.Operation,
                    self._get,
                )
            }
        )

    def _get(self, request: Any) -> Any:
        if request.name not in self._known:
            refuse("NOT_FOUND", f"no operation {request.name}")
        running = self._known[request.name]
        running.left -= 1
        if running.left <= 0 and not running.operation.done:
            running.end()
        return running.operation


EMPTY = empty_pb2.Empty
