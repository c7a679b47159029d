"""A batch prediction job of Vertex AI: the champion's answers for a table or files."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from typing import Any

from pipeline import errors
from pipeline.config.config import Config
from pipeline.config.vertex import VertexConfig
from pipeline.gcp import clients
from pipeline.registry.versions import Registry

REQUEST_S = 60

_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")

_TABLE = re.compile(r"bq://[^./]+\.[^./]+\.[^./]+")
_LINES = re.compile(r"gs://[a-z0-9][a-z0-9._-]*/.+\.jsonl")
_TARGET = re.compile(r"bq://[^./]+(\.[^./]+)?|gs://[a-z0-9].*")

# What the service reads, but sends without the names of the columns.
_NAMELESS = {
    ".csv": "a CSV's rows as lists",
    ".gz": "a TFRecord as one text",
    ".tfrecord": "a TFRecord as one text",
}


@dataclasses.dataclass(frozen=True)
class Order:
    """What is asked of the job."""

    source: str
    """bq://PROJECT.DATASET.TABLE, or gs:// files of JSON lines, * allowed."""

    target: str
    """bq://PROJECT, bq://PROJECT.DATASET or a gs:// folder."""

    model: str
    """Resource name of the version."""

    columns: tuple[str, ...]
    """What the model takes; it refuses a row with any other."""

    name: str
    """What people see."""


def order_of(
    config: Config, registry: Registry, source: str, target: str, version: str
) -> Order:
    """The order for a registered version: a number, or an alias such as `champion`.

    Raises:
      UsageError: there is no such version, or source or target are nothing that the
        service reads for this model, or writes.
    """
    problems = _problems(source, target)
    if problems:
        raise errors.UsageError("\n  ".join(["this cannot be predicted:", *problems]))
    found = registry.version(version)
    columns = found.columns or config.features.columns
    return Order(source, target, found.where, columns, config.pipeline_name)


def shown(made: Any) -> str:
    """The job as JSON, for people."""
    return type(made).to_json(made, including_default_value_fields=False)


def job(order: Order, config: VertexConfig) -> Any:
    """The BatchPredictionJob to create."""
    from google.cloud import aiplatform_v1 as api

    made = api.BatchPredictionJob(
        display_name=order.name,
        model=order.model,
        input_config=_input(order),
        # By name, and no column more: the service's default for a table is a list.
        instance_config={
            "instance_type": "object",
            "included_fields": sorted(order.columns),
        },
        output_config=_output(order),
        dedicated_resources=api.BatchDedicatedResources(
            machine_spec=api.MachineSpec(machine_type=config.batch.machine_type),
            starting_replica_count=config.batch.replicas,
            max_replica_count=config.batch.max_replicas,
        ),
        labels=dict(config.labels),
    )
    if config.service_account:
        made.service_account = config.service_account
    if config.encryption_key:
        made.encryption_spec.kms_key_name = config.encryption_key
    return made


def start(made: Any, config: VertexConfig) -> str:
    """Creates the job; returns its resource name.

    Raises:
      CloudError: the service refused.
      CloudUnavailable: it is busy or away.
    """
    parent = clients.location(config.project, config.region)
    with clients.asking("start the batch prediction"):
        created = _service(config).create_batch_prediction_job(
            parent=parent, batch_prediction_job=made, timeout=REQUEST_S
        )
    return created.name


def wait(
    name: str,
    config: VertexConfig,
    every_s: float,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Waits until the job has ended; returns where the answers are.

    Args:
      name: of the job.
      config: where it runs.
      every_s: seconds between two looks.
      tell: gets each new state.
      sleep: of time.

    Raises:
      NodeFailed: it ended otherwise than well.
      CloudUnavailable: the service does not answer; the job goes on.
    """
    seen = ""
    while True:
        with clients.asking(f"look at {name}"):
            found = _service(config).get_batch_prediction_job(
                name=name, timeout=REQUEST_S
            )
        state = found.state.name.removeprefix("JOB_STATE_")
        if state != seen:
            tell(state)
        seen = state
        if state in _ENDED:
            return _result(found, state)
        sleep(every_s)


def _result(found: Any, state: str) -> str:
    told = found.output_info
    if state == "SUCCEEDED":
        if told.bigquery_output_table:
            return f"{told.bigquery_output_dataset}.{told.bigquery_output_table}"
        return told.gcs_output_directory
    partial = [failure.message for failure in found.partial_failures]
    words = (
        "; ".join(filter(None, [found.error.message, *partial])) or "no reason given"
    )
    raise errors.NodeFailed("predict", f"{found.name}: {state}: {words}")


def _problems(source: str, target: str) -> list[str]:
    found = []
    nameless = [way for end, way in _NAMELESS.items() if source.endswith(end)]
    if nameless:
        found.append(
            f"--input {source}: Vertex AI sends {nameless[0]}, and the model takes "
            "columns by name. Give it a BigQuery table or JSON lines (.jsonl), or "
            "score a CSV here: `local_runner.py predict`"
        )
    elif not (_TABLE.fullmatch(source) or _LINES.fullmatch(source)):
        found.append(
            f"--input {source}: expected bq://PROJECT.DATASET.TABLE, or gs:// files of "
            "JSON lines, whose names end with .jsonl"
        )
    if not _TARGET.fullmatch(target):
        found.append(
            f"--output {target}: expected bq://PROJECT[.DATASET] or gs://FOLDER"
        )
    return found


def _input(order: Order) -> dict[str, object]:
    if order.source.startswith("bq://"):
        table = {"input_uri": order.source}
        return {"instances_format": "bigquery", "bigquery_source": table}
    files = {"uris": [order.source]}
    return {"instances_format": "jsonl", "gcs_source": files}


def _output(order: Order) -> dict[str, object]:
    if order.target.startswith("bq://"):
        target = {"bigquery_destination": {"output_uri": order.target}}
        return {"predictions_format": "bigquery", **target}
    target = {"gcs_destination": {"output_uri_prefix": order.target}}
    return {"predictions_format": "jsonl", **target}


def _service(config: VertexConfig) -> Any:
    from google.cloud.aiplatform_v1 import JobServiceClient

    return clients.vertex(JobServiceClient, config.region)
