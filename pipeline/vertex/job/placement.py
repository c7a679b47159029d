"""Where and as whom a job runs: the configuration's words in the job's fields."""

from __future__ import annotations

from pipeline.config.config import Config
from pipeline.config.vertex import PscInterface, VertexConfig
from pipeline.vertex.job.job import Job

_FAILURE_POLICY = "PIPELINE_FAILURE_POLICY_FAIL_"


def placed(job: Job, config: Config, vertex: VertexConfig) -> Job:
    """The job with every field that it lacks and the configuration knows.

    Args:
      job: a whole one, or a spec alone; it stays as it is.
      config: where its output goes.
      vertex: where it runs.
    """
    plain = job.to_dict()
    identity = {
        "serviceAccount": vertex.service_account,
        "network": vertex.network,
        "reservedIpRanges": list(vertex.reserved_ip_ranges),
        "pscInterfaceConfig": vertex.psc_interface_config
        and _in_camel_case(vertex.psc_interface_config),
        "encryptionSpec": vertex.encryption_key
        and {"kmsKeyName": vertex.encryption_key},
    }
    runtime = {
        "gcsOutputDirectory": config.artifacts_path,
        "failurePolicy": _FAILURE_POLICY + vertex.failure_policy.upper(),
        **plain.get("runtimeConfig", {}),
    }
    return Job.from_dict(
        {
            "displayName": job.name,
            **{name: value for name, value in identity.items() if value},
            **plain,
            "labels": {**vertex.labels, **plain.get("labels", {})},
            "runtimeConfig": runtime,
        }
    )


def _in_camel_case(psc: PscInterface) -> dict[str, object]:
    peerings = [
        {
            "domain": each.domain,
            "targetProject": each.target_project,
            "targetNetwork": each.target_network,
        }
        for each in psc.dns_peering_configs
    ]
    return {
        "networkAttachment": psc.network_attachment,
        **({"dnsPeeringConfigs": peerings} if peerings else {}),
    }
