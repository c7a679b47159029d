"""Google's services over gRPC, with their own protobufs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any

import grpc
from google.cloud.secretmanager_v1.types import resources, service
from google.pubsub_v1.types import pubsub

Method = tuple[Any, Any, Callable[[Any, grpc.ServicerContext], Any]]


@contextlib.contextmanager
def serving(name: str, methods: Mapping[str, Method]) -> Iterator[str]:
    """A server of one service; gives its host:port.

    Args:
      name: of the service, with its package.
      methods: name -> request type, response type (proto-plus), what answers.
    """
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=request.deserialize,
            response_serializer=response.serialize,
        )
        for method, (request, response, answer) in methods.items()
    }
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(name, handlers)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def secret_manager(
    versions: Mapping[str, bytes],
) -> Iterator[tuple[str, list[str]]]:
    """Secret Manager with these versions; gives host:port and the names asked for."""
    asked: list[str] = []

    def access(request: Any, context: grpc.ServicerContext) -> Any:
        asked.append(request.name)
        if request.name not in versions:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such version")
        payload = resources.SecretPayload(data=versions[request.name])
        return service.AccessSecretVersionResponse(name=request.name, payload=payload)

    method = (
        service.AccessSecretVersionRequest,
        service.AccessSecretVersionResponse,
        access,
    )
    with serving(
        "google.cloud.secretmanager.v1.SecretManagerService",
        {"AccessSecretVersion": method},
    ) as endpoint:
        yield endpoint, asked


@contextlib.contextmanager
def topics(
    answers: list[grpc.StatusCode] | None = None,
) -> Iterator[tuple[str, list[Any]]]:
    """Pub/Sub's publisher; gives host:port and the messages that were taken.

    Args:
      answers: errors to give first, one a request.
    """
    taken: list[Any] = []
    errors = list(answers or [])

    def publish(request: Any, context: grpc.ServicerContext) -> Any:
        if errors:
            context.abort(errors.pop(0), "try again")
        taken.extend((request.topic, message) for message in request.messages)
        ids = [str(number) for number in range(len(request.messages))]
        return pubsub.PublishResponse(message_ids=ids)

    method = (pubsub.PublishRequest, pubsub.PublishResponse, publish)
    with serving("google.pubsub.v1.Publisher", {"Publish": method}) as endpoint:
        yield endpoint, taken
