"""A compiled job becomes the message that Vertex takes, with all its fields."""

from __future__ import annotations

import pytest
from google.cloud import aiplatform_v1

from pipeline.config import config as config_lib
from pipeline.errors import ConfigError, UsageError
from pipeline.vertex.job.job import Job
from pipeline.vertex.runs import request

SPEC = {"pipelineInfo": {"name": "trips"}, "root": {"dag": {}}}
KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
OVERRIDES = (
    "output_root=gs://trips-bucket/millrace",
    "vertex.service_account=runner@p.iam.gserviceaccount.com",
    "vertex.network=projects/1/global/networks/main",
    "vertex.reserved_ip_ranges=[tasks]",
    f"vertex.encryption_key={KEY}",
    "vertex.failure_policy=fast",
    "vertex.labels={team: rides}",
)


def config(*overrides: str):
    return config_lib.load((), overrides, platform="vertex").config


def test_a_bare_spec_gets_everything_from_the_configuration():
    found = request.pipeline_job(
        config(*OVERRIDES),
        Job.of_spec(SPEC),
        {"training_model": "dnn"},
        {"run": "nightly"},
    )

    assert isinstance(found, aiplatform_v1.PipelineJob)
    assert found.display_name == "trips"
    assert found.pipeline_spec["pipelineInfo"]["name"] == "trips"
    assert found.runtime_config.gcs_output_directory == (
        "gs://trips-bucket/millrace/artifacts"
    )
    assert dict(found.runtime_config.parameter_values) == {"training_model": "dnn"}
    assert found.runtime_config.failure_policy.name.endswith("FAIL_FAST")
    assert found.service_account == "runner@p.iam.gserviceaccount.com"
    assert found.network == "projects/1/global/networks/main"
    assert list(found.reserved_ip_ranges) == ["tasks"]
    assert found.encryption_spec.kms_key_name == KEY
    assert dict(found.labels) == {"team": "rides", "run": "nightly"}


def test_a_private_service_connect_interface_is_in_the_request():
    psc = (
        "vertex.psc_interface_config={network_attachment: tasks, dns_peering_configs: "
        "[{domain: corp., target_project: p, target_network: main}]}"
    )

    found = request.pipeline_job(config(psc), Job.of_spec(SPEC), {})

    assert found.psc_interface_config.network_attachment == "tasks"
    [peering] = found.psc_interface_config.dns_peering_configs
    assert (peering.domain, peering.target_project) == ("corp.", "p")
    assert peering.target_network == "main"


def test_what_the_job_says_itself_is_kept():
    job = {
        "pipelineSpec": SPEC,
        "displayName": "mine",
        "serviceAccount": "other@p.iam.gserviceaccount.com",
        "runtimeConfig": {"gcsOutputDirectory": "gs://other/root"},
    }

    found = request.pipeline_job(config(*OVERRIDES), Job(job), {})

    assert found.display_name == "mine"
    assert found.service_account == "other@p.iam.gserviceaccount.com"
    assert found.runtime_config.gcs_output_directory == "gs://other/root"


def test_what_nobody_says_is_not_sent():
    found = request.pipeline_job(config(), Job.of_spec(SPEC), {})

    assert (found.service_account, found.network) == ("", "")
    assert not found.reserved_ip_ranges
    assert not found.encryption_spec.kms_key_name
    assert found.runtime_config.failure_policy.name.endswith("FAIL_SLOW")


def test_a_field_that_vertex_has_not_is_refused_here():
    job = {"pipelineSpec": SPEC, "serviceAcount": "x"}

    with pytest.raises(UsageError, match='no field named "serviceAcount"'):
        request.pipeline_job(config(), Job(job), {})


def test_without_a_vertex_section_there_is_no_request():
    with pytest.raises(ConfigError, match="vertex: project, region and image"):
        request.pipeline_job(config_lib.load().config, Job.of_spec(SPEC), {})
