"""A name of another form than Google documents is refused when it is read."""

from __future__ import annotations

import pytest

from pipeline.config import config as config_lib
from pipeline.errors import ConfigError

KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
ATTACHMENT = "projects/p/regions/europe-west4/networkAttachments/a"


def load(*overrides: str) -> config_lib.Config:
    return config_lib.load((), overrides, platform="vertex").config


@pytest.mark.parametrize(
    "overrides",
    [
        ("vertex.region=us-central1",),
        ("vertex.region=northamerica-northeast1",),
        ("vertex.network=projects/12345/global/networks/my-vpc",),
        (
            "vertex.network=projects/1/global/networks/v",
            "vertex.reserved_ip_ranges=[ip-range]",
        ),
        (f"vertex.encryption_key={KEY}",),
        ("vertex.service_account=runner@p.iam.gserviceaccount.com",),
        ("vertex.service_account=r@p.example.com.iam.gserviceaccount.com",),
        ("vertex.service_account=12-compute@developer.gserviceaccount.com",),
        (f"vertex.psc_interface_config={{network_attachment: {ATTACHMENT}}}",),
        ("vertex.psc_interface_config={network_attachment: a}",),
    ],
)
def test_a_name_of_the_documented_form_is_taken(overrides):
    assert load(*overrides).vertex


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("vertex.region=europe", "expected a region, such as europe-west4"),
        ("vertex.region=europe-west4-a", "is a zone; its region is 'europe-west4'"),
        ("vertex.region=EU-West4", "expected a region, such as europe-west4"),
        (
            "vertex.network=my-vpc",
            "expected projects/NUMBER/global/networks/NAME",
        ),
        (
            "vertex.network=projects/p/global/networks/v",
            "gcloud projects describe p --format='value(projectNumber)'",
        ),
        ("vertex.reserved_ip_ranges=[a]", "ranges of a network: set network"),
        (f"vertex.encryption_key={KEY}/cryptoKeyVersions/1", "without a version"),
        ("vertex.encryption_key=k", "expected projects/P/locations/L/keyRings/R/"),
        (
            f"vertex.encryption_key={KEY.replace('west4', 'west1')}",
            "encryption_key is in europe-west1, and the job runs in europe-west4",
        ),
        ("vertex.service_account=me@example.com", "the e-mail of a service account"),
        (
            "vertex.psc_interface_config={network_attachment: A/b}",
            "expected a network attachment",
        ),
        (
            (
                "vertex.psc_interface_config="
                f"{{network_attachment: {ATTACHMENT.replace('west4', 'west1')}}}"
            ),
            "psc_interface_config.network_attachment is in europe-west1",
        ),
        (
            (
                "vertex.psc_interface_config={network_attachment: a, "
                "dns_peering_configs: [{domain: corp, target_project: p, "
                "target_network: n}]}"
            ),
            "a domain with a dot at its end",
        ),
        (
            "vertex.labels={vertex-ai-pipelines-run-billing-id: x}",
            "Vertex writes over it",
        ),
        (
            "pipeline_name=2024-taxi",
            "begins with a letter; 'taxi-2024' would do",
        ),
    ],
)
def test_a_name_of_another_form_is_refused_with_the_form(override, words):
    with pytest.raises(ConfigError) as refused:
        load(override)

    assert words in str(refused.value)
    assert override.partition("=")[0].partition(".")[2] in str(refused.value)


def test_a_local_run_keeps_a_name_that_vertex_does_not_take():
    assert config_lib.load((), ("pipeline_name=2024-taxi",)).config.pipeline_name
