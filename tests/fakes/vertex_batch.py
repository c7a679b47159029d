"""Vertex AI's JobService: batch predictions, which move on each time they are seen."""

from __future__ import annotations

import copy
import itertools
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

from google.cloud.aiplatform_v1.types import batch_prediction_job, job_service
from google.rpc import status_pb2

from tests.fakes import labels
from tests.fakes.server import PARENT, Method, refuse

Job = batch_prediction_job.BatchPredictionJob

_FORMATS = {"jsonl", "csv", "bigquery", "tf-record", "tf-record-gzip", "file-list"}
_WRITTEN = {"jsonl", "csv", "bigquery"}
_LIFE = ("JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING")


class BatchPredictions:
    """The batch predictions of one project and region.

    Attributes:
      jobs: by resource name.
      failing: words with which the next jobs end.
    """

    name = "google.cloud.aiplatform.v1.JobService"

    def __init__(self, version_of: Callable[[str], tuple[str, str]]) -> None:
        """Makes the service.

        Args:
          version_of: a model's name, perhaps with @VERSION or @ALIAS -> its name
            without that, and the version's id; refuses a model that is not there.
        """
        self.jobs: dict[str, Any] = {}
        self.failing: list[str] = []
        self._version_of = version_of
        self._ids = itertools.count(9001)

    def methods(self) -> Mapping[str, Method]:
        """Create, Get and Cancel."""
        of = job_service
        return types.MappingProxyType(
            {
                "CreateBatchPredictionJob": Method(
                    of.CreateBatchPredictionJobRequest, Job, self._create
                ),
                "GetBatchPredictionJob": Method(
                    of.GetBatchPredictionJobRequest, Job, self._get
                ),
            }
        )

    def _create(self, request: Any) -> Any:
        if request.parent != PARENT:
            refuse("NOT_FOUND", f"Location {request.parent} is not found")
        job = copy.deepcopy(request.batch_prediction_job)
        if not 0 < len(job.display_name) <= 128:
            refuse("INVALID_ARGUMENT", "display_name must have 1 to 128 characters")
        labels.require_labels(job.labels)
        _require_places(job)
        if not job.dedicated_resources.machine_spec.machine_type:
            refuse("INVALID_ARGUMENT", "dedicated_resources.machine_spec is required")
        job.model, job.model_version_id = self._version_of(job.model)
        job.name = f"{PARENT}/batchPredictionJobs/{next(self._ids)}"
        job.state = _LIFE[0]
        self.jobs[job.name] = job
        return job

    def _get(self, request: Any) -> Any:
        if request.name not in self.jobs:
            refuse("NOT_FOUND", f"{request.name} is not found")
        job = self.jobs[request.name]
        answer = copy.deepcopy(job)
        self._move_on(job)
        return answer

    def _move_on(self, job: Any) -> None:
        state = job.state.name
        if state not in _LIFE:
            return
        if state != _LIFE[-1]:
            job.state = _LIFE[_LIFE.index(state) + 1]
        elif self.failing:
            job.state = "JOB_STATE_FAILED"
            job.error = status_pb2.Status(code=3, message=self.failing.pop(0))
        else:
            job.state = "JOB_STATE_SUCCEEDED"
            _write(job)


def _require_places(job: Any) -> None:
    source, target = job.input_config, job.output_config
    if source.instances_format not in _FORMATS:
        refuse("INVALID_ARGUMENT", f"instances_format '{source.instances_format}'")
    if target.predictions_format not in _WRITTEN:
        refuse("INVALID_ARGUMENT", f"predictions_format '{target.predictions_format}'")
    table = source.bigquery_source.input_uri
    if bool(table) != (source.instances_format == "bigquery"):
        refuse("INVALID_ARGUMENT", "instances_format does not fit the source")
    if table and not re.fullmatch(r"bq://[^.]+\.[^.]+\.[^.]+", table):
        refuse("INVALID_ARGUMENT", f"bigquery_source.input_uri '{table}'")
    files = source.gcs_source.uris
    if not table and not (files and all(f.startswith("gs://") for f in files)):
        refuse("INVALID_ARGUMENT", "gcs_source.uris is required")
    _require_instances(job.instance_config, source.instances_format)
    into_table = target.bigquery_destination.output_uri
    if bool(into_table) != (target.predictions_format == "bigquery"):
        refuse("INVALID_ARGUMENT", "predictions_format does not fit the destination")


def _require_instances(config: Any, format_: str) -> None:
    """The rules in the documentation of InstanceConfig."""
    if config.instance_type not in ("", "object", "array"):
        refuse("INVALID_ARGUMENT", f"instance_type '{config.instance_type}'")
    if config.instance_type and format_ not in ("jsonl", "bigquery"):
        refuse("INVALID_ARGUMENT", f"instance_type does not apply to {format_}")
    if config.included_fields and config.excluded_fields:
        refuse("INVALID_ARGUMENT", "included_fields and excluded_fields are both set")
    if config.included_fields and format_ in ("csv", "file-list"):
        refuse("INVALID_ARGUMENT", f"included_fields does not apply to {format_}")


def _write(job: Any) -> None:
    into = job.output_config.bigquery_destination.output_uri
    if into:
        dataset = into if "." in into else f"{into}.prediction_trips_2026_11_25"
        job.output_info.bigquery_output_dataset = dataset
        job.output_info.bigquery_output_table = "predictions"
    else:
        prefix = job.output_config.gcs_destination.output_uri_prefix
        job.output_info.gcs_output_directory = f"{prefix}/prediction-trips-2026"
