"""Vertex AI beside the bucket: a rehearsal's jobs as the service would have them.

The rehearsal stands for the service's scheduler, the fakes for what it remembers: jobs
with their tasks and artifacts, ML Metadata, the model registry.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.cloud.aiplatform_v1.types import artifact as artifact_types
from google.cloud.aiplatform_v1.types import context, event, execution, pipeline_job

from pipeline.config.config import Config
from pipeline.gcp import jobs as jobs_lib
from pipeline.vertex.job.job import Job
from pipeline.vertex.rehearsal.containers import Containers
from pipeline.vertex.rehearsal.image import Image
from pipeline.vertex.rehearsal.run import Rehearsal
from pipeline.vertex.rehearsal.task import Task
from pipeline.vertex.runs import submission
from tests.fakes import (
    server,
    vertex_batch,
    vertex_jobs,
    vertex_metadata,
    vertex_models,
)

STORE = vertex_metadata.STORE
_KEPT = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "NOT_TRIGGERED": "SKIPPED"}


@dataclasses.dataclass(frozen=True)
class Cloud:
    """What is running."""

    jobs: vertex_jobs.PipelineJobs
    models: vertex_models.VertexModels
    metadata: vertex_metadata.VertexMetadata
    batch: Any
    environment: Mapping[str, str]
    """What leads a process to it; who asks, the metadata server says."""

    trusted: str
    """The file of certificates that the environment names."""

    def rehearse(
        self,
        config: Config,
        image: Image,
        name: str,
        known: Mapping[str, Task] | None = None,
    ) -> list[Task]:
        """Runs a job that was created; what became of it is kept.

        Args:
          config: that it was compiled from.
          image: of its containers.
          name: of the job, as the service gave it.
          known: tasks that are taken from the cache.
        """
        message, run_id = self.jobs.jobs[name], name.rpartition("/")[2]
        # What a rehearsal tells its tasks that the job is called.
        self.jobs.jobs[f"projects/1/locations/local/pipelineJobs/{run_id}"] = message
        self.jobs.advance(name, state="RUNNING")
        given = dict(message.runtime_config.parameter_values)
        containers = Containers(
            image=image,
            buckets=("/gcs",),
            data=(self.trusted,),
            environment={**self.environment, "NO_GCE_CHECK": "false"},
        )
        rehearsal = Rehearsal(
            Job.of_message(message),
            run_id,
            given,
            containers,
            tell=_say,
        )
        rehearsal.tasks.update(known or {})
        tasks = rehearsal.run()
        for task in tasks:
            if task.state in _KEPT:
                self._keep(name, task)
        failed = any(task.state == "FAILED" for task in tasks)
        self.jobs.advance(name, state="FAILED" if failed else "SUCCEEDED")
        self._record(config.pipeline_name, name, tasks)
        return tasks

    def _keep(self, name: str, task: Task) -> None:
        made = pipeline_job.PipelineTaskDetail(
            task_name=task.name, state=_KEPT[task.state]
        )
        made.end_time = _time(task.ended)
        made.start_time = made.end_time - datetime.timedelta(seconds=task.seconds)
        for side in ("inputs", "outputs"):
            for key, found in getattr(task, side).items():
                getattr(made, side)[key] = made.ArtifactList(
                    artifacts=[_artifact(each) for each in found]
                )
        self.jobs.jobs[name].job_detail.task_details.append(made)

    def _record(self, pipeline: str, name: str, tasks: Sequence[Task]) -> None:
        """Into ML Metadata, as the service does it of each task."""
        kept, run_id = self.metadata.resources, name.rpartition("/")[2]
        contexts = kept["contexts"]
        above = f"{STORE}/contexts/{pipeline}"
        here = f"{STORE}/contexts/{run_id}"
        contexts.setdefault(
            above, context.Context(name=above, schema_title="system.Pipeline")
        )
        contexts[here] = context.Context(
            name=here,
            schema_title="system.PipelineRun",
            parent_contexts=[above],
            create_time=self.jobs.jobs[name].create_time,
        )
        job = Job.of_message(self.jobs.jobs[name])
        for number, task in enumerate(tasks):
            if task.state not in ("SUCCEEDED", "FAILED"):
                continue
            made = execution.Execution(
                name=f"{STORE}/executions/{run_id}-{number}",
                display_name=task.name,
                schema_title="system.ContainerExecution",
                state="COMPLETE" if task.state == "SUCCEEDED" else "FAILED",
                create_time=_time(task.ended - task.seconds),
                update_time=_time(task.ended),
                metadata=_given(job, task.name),
            )
            kept["executions"][made.name] = made
            self.metadata._members.setdefault(here, set()).add(made.name)
            for side, kind in (("inputs", "INPUT"), ("outputs", "OUTPUT")):
                for found in getattr(task, side).values():
                    for each in map(_artifact, found):
                        each.create_time = each.update_time = _time(task.ended)
                        kept["artifacts"].setdefault(each.name, each)
                        self.metadata._members[here].add(each.name)
                        self.metadata.events.append(
                            event.Event(
                                artifact=each.name,
                                execution=made.name,
                                event_time=_time(task.ended),
                                type_=event.Event.Type[kind],
                            )
                        )


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _say(task: Task) -> None:
    sys.stdout.write(f"{task.name}: {task.state} {task.seconds:.1f} s\n")
    sys.stdout.flush()


def _given(job: Job, task: str) -> dict[str, Any]:
    handler = job.handler
    declared = job.tasks.get(task) or (
        handler if handler and handler.name == task else None
    )
    constants = declared.constants if declared else {}
    return {f"input:{name}": str(value) for name, value in constants.items()}


def _artifact(found: Any) -> artifact_types.Artifact:
    number = found.name.rpartition("/")[2]
    return artifact_types.Artifact(
        name=f"{STORE}/artifacts/{number}",
        schema_title=found.type,
        schema_version="0.0.1",
        uri=found.uri,
        state="LIVE",
        metadata=dict(found.metadata),
    )


@contextlib.contextmanager
def running(trusted: Path) -> Iterator[Cloud]:
    """The services; this process finds them, too.

    Args:
      trusted: file to write the certificates to that its clients trust.
    """
    operations = server.Operations()
    jobs = vertex_jobs.PipelineJobs(operations)
    models = vertex_models.VertexModels(operations)
    metadata = vertex_metadata.VertexMetadata(operations)
    batch = vertex_batch.BatchPredictions(models.find)
    with server.running(jobs, models, metadata, batch, operations) as cloud:
        trusted.write_bytes(server.roots().read_bytes())
        name = "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM"
        environment = {
            name: cloud.environment[name],
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(trusted),
        }
        os.environ.update(environment)
        yield Cloud(jobs, models, metadata, batch, environment, str(trusted))


def submitted(config: Config, given: Sequence[str] = ()) -> str:
    """Compiles and creates the job as `submit` does; gives its name."""
    message = submission.message(config, None, given, accept_edited=False)
    run_id = jobs_lib.new_id(config.pipeline_name, datetime.datetime.now(datetime.UTC))
    return str(jobs_lib.create(config, message, run_id).name)
