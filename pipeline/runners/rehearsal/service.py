"""The one thing that a task of a rehearsal may ask Vertex AI: what became of its job.

Everything else is refused. So nothing that a task does reaches Google's service.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipeline.runners.rehearsal.task import Task

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
    from google.cloud.aiplatform_v1.types import pipeline_job, pipeline_service

    def get(request: Any, context: Any) -> Any:
        details = [_detail(t) for t in tasks() if t.state in ("SUCCEEDED", "FAILED")]
        return pipeline_job.PipelineJob(
            name=request.name,
            job_detail=pipeline_job.PipelineJobDetail(task_details=details),
        )

    return grpc.unary_unary_rpc_method_handler(
        get,
        request_deserializer=pipeline_service.GetPipelineJobRequest.deserialize,
        response_serializer=pipeline_job.PipelineJob.serialize,
    )


def _detail(task: Task) -> Any:
    from google.cloud.aiplatform_v1.types import pipeline_job
    from google.protobuf import timestamp_pb2

    return pipeline_job.PipelineTaskDetail(
        task_name=task.name,
        state=task.state,
        end_time=timestamp_pb2.Timestamp(seconds=int(task.ended)),
    )


def _refusal(method: str) -> Any:
    import grpc

    def refuse(request: bytes, context: Any) -> bytes:
        words = f"a rehearsal asks nothing of Vertex AI ({method.rpartition('/')[2]})"
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        return b""

    return grpc.unary_unary_rpc_method_handler(refuse)
