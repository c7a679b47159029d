"""The one thing that a task of a rehearsal may ask Vertex AI: what became of its job.

Everything else is refused. So nothing that a task does reaches Google's service.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipeline.gcp import job_message
from pipeline.vertex.rehearsal.task import Task

_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM"
_METHOD = "/google.cloud.aiplatform.v1.PipelineService/GetPipelineJob"


@contextlib.contextmanager
def running(tasks: Callable[[], Sequence[Task]]) -> Iterator[dict[str, str]]:
    """The service on loopback; gives the environment that leads a task to it.

    Args:
      tasks: gives them as they are now.
    """
    import grpc

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            if details.method == _METHOD:
                return _details_of(tasks)
            return _refusal(details.method)

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers([Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {_VARIABLE: f"http://127.0.0.1:{port}"}
    finally:
        server.stop(None).wait()


def _details_of(tasks: Callable[[], Sequence[Task]]) -> Any:
    import grpc

    def get(request: bytes, context: Any) -> bytes:
        ended = [t for t in tasks() if t.state in ("SUCCEEDED", "FAILED")]
        return job_message.answer(
            request, [(task.name, task.state, int(task.ended)) for task in ended]
        )

    return grpc.unary_unary_rpc_method_handler(get)


def _refusal(method: str) -> Any:
    import grpc

    def refuse(request: bytes, context: Any) -> bytes:
        words = f"a rehearsal asks nothing of Vertex AI ({method.rpartition('/')[2]})"
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        return b""

    return grpc.unary_unary_rpc_method_handler(refuse)
