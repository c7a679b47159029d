"""Where and as whom a job runs: the configuration's words in the job's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config.config import Config
from pipeline.config.vertex import VertexConfig

_FAILURE_POLICY = "PIPELINE_FAILURE_POLICY_FAIL_"


def placed(
    job: Mapping[str, Any], config: Config, vertex: VertexConfig
) -> dict[str, Any]:
    """The job with every field that it lacks and the configuration knows.

    Args:
      job: PipelineJob as a dict; {'pipelineSpec': ...} alone will do.
      config: where its output goes.
      vertex: where it runs.
    """
    runtime = {
        "gcsOutputDirectory": config.artifacts_path,
        "failurePolicy": _FAILURE_POLICY + vertex.failure_policy.upper(),
        **job.get("runtimeConfig", {}),
    }
    return {
        "displayName": job["pipelineSpec"]["pipelineInfo"]["name"],
        **_identity(vertex),
        **job,
        "labels": {**vertex.labels, **job.get("labels", {})},
        "runtimeConfig": runtime,
    }


def _identity(vertex: VertexConfig) -> dict[str, Any]:
    """As whom, in which network, under whose key; what is not said is left out."""
    fields: dict[str, Any] = {
        "serviceAccount": vertex.service_account,
        "network": vertex.network,
        "reservedIpRanges": list(vertex.reserved_ip_ranges),
    }
    if vertex.encryption_key:
        fields["encryptionSpec"] = {"kmsKeyName": vertex.encryption_key}
    return {name: value for name, value in fields.items() if value}
