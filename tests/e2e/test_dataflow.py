"""What Dataflow is asked to do, by Beam's own client and against its own protobufs."""

from __future__ import annotations

import shutil

import pytest
import tensorflow as tf
from apache_beam.internal.gcp import auth
from apache_beam.portability.api import beam_runner_api_pb2
from google.cloud import dataflow_v1beta3

from pipeline.errors import DataUnreadable
from tests.e2e import first_nodes
from tests.fakes import dataflow

IMAGE = f"europe-docker.pkg.dev/p/r/millrace@sha256:{'0' * 64}"
KEY = "projects/trips-project/locations/europe-west4/keyRings/r/cryptoKeys/k"
SETS = (
    *("vertex.project=trips-project", "vertex.region=europe-west4"),
    *(f"vertex.image={IMAGE}", f"vertex.encryption_key={KEY}"),
    *("vertex.labels={team: rides}", "output_root=gs://trips-bucket/millrace"),
    *("beam.runner=dataflow", "beam.workers=2", "beam.dataflow.max_workers=8"),
    *("beam.dataflow.machine_type=n2-standard-4", "beam.dataflow.disk_gb=60"),
    "beam.dataflow.service_account=w@trips-project.iam.gserviceaccount.com",
    "beam.dataflow.subnetwork=regions/europe-west4/subnetworks/beam",
)


class Asked:
    """A job, and the pipeline that was staged for it."""

    def __init__(self, submitted: dataflow.Submitted, content: bytes) -> None:
        self.project, self.region = submitted.project, submitted.region
        self.job = submitted.job
        [self.pool] = submitted.job.environment.worker_pools
        self.content = content
        self.pipeline = beam_runner_api_pb2.Pipeline.FromString(content)
        self.steps = {
            transform.unique_name.split("/")[0]
            for transform in self.pipeline.components.transforms.values()
        }


@pytest.fixture(scope="module")
def asked(tmp_path_factory, in_this_process):
    """Node -> the job of each."""
    folder = tmp_path_factory.mktemp("dataflow")
    data = shutil.copytree(in_this_process.config.data.path, folder / "data")
    with (
        dataflow.running("trips-bucket") as service,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in service.environment.items():
            patch.setenv(name, value)
        # Beam looks for credentials once in a process.
        patch.setattr(auth._Credentials, "_credentials_init", False)
        endpoint = f"--dataflow_endpoint=http://{service.address}"
        nodes = first_nodes.FirstNodes(
            *(folder, *SETS, f"data.path={data}", f"beam.extra_args=[{endpoint}]"),
            platform="vertex",
        )
        with pytest.raises(DataUnreadable, match="0 of 1 units of work ended"):
            nodes.ingest()
        nodes.examples = in_this_process.examples
        # Nothing is executed there, so there are no statistics to count rows in.
        with pytest.raises(tf.errors.NotFoundError, match="FeatureStats"):
            nodes.measure()
        nodes.transform()
        staged = [
            content
            for name, content in service.objects.items()
            if name.endswith("/pipeline.pb")
        ]
        names = ("ingest", "measure", "transform")
        found = zip(service.submitted, staged, strict=True)
        yield dict(zip(names, (Asked(*pair) for pair in found), strict=True)), service


NODES = pytest.mark.parametrize("node", ["ingest", "measure", "transform"])


@NODES
def test_a_node_asks_for_one_job_where_the_configuration_says(asked, node):
    job = asked[0][node]

    assert (job.project, job.region) == ("trips-project", "europe-west4")
    labels = dict(job.job.labels)
    assert labels["pipeline"] == "penguins"
    assert labels["team"] == "rides"
    assert labels["tfx_version"] == "1-21-0"  # ours come beside TFX's own


@NODES
def test_workers_are_the_machines_that_the_configuration_says(asked, node):
    job = asked[0][node]

    assert job.pool.num_workers == 2
    assert job.pool.autoscaling_settings.max_num_workers == 8
    assert job.pool.machine_type == "n2-standard-4"
    assert job.pool.disk_size_gb == 60
    assert job.pool.subnetwork == "regions/europe-west4/subnetworks/beam"
    private = dataflow_v1beta3.WorkerIPAddressConfiguration.WORKER_IP_PRIVATE
    assert job.pool.ip_configuration == private
    environment = job.job.environment
    assert environment.service_account_email == (
        "w@trips-project.iam.gserviceaccount.com"
    )
    assert environment.service_kms_key_name == KEY


@NODES
def test_every_step_runs_in_our_image_by_digest(asked, node):
    job = asked[0][node]

    images = {image.container_image for image in job.pool.sdk_harness_container_images}
    assert images == {IMAGE}


@NODES
def test_nothing_of_this_machine_goes_along(asked, node):
    """No package, no main session, no function that is copied out of our source."""
    job, service = asked[0][node], asked[1]

    dependencies = [
        dependency.role_payload
        for environment in job.pipeline.components.environments.values()
        for dependency in environment.dependencies
    ]
    assert not [d for d in dependencies if b"submission_environment" not in d]
    assert not [name for name in service.objects if "main_session" in name]
    assert str(first_nodes.ROOT / "pipeline").encode() not in job.content
    assert str(first_nodes.ROOT / "transform").encode() not in job.content


@pytest.mark.parametrize(
    ("node", "steps"),
    [
        ("ingest", {"Units", "Spread", "Ingest"}),
        ("measure", {"TFXIORead[train]", "GenerateStatistics[train]"}),
        ("transform", {"Analyze", "WriteTransformFn"}),
    ],
)
def test_the_graph_has_the_nodes_steps(asked, node, steps):
    assert steps <= asked[0][node].steps
