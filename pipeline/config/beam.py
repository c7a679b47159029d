"""The configuration's `beam` section: who does the work on many rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

Address = Annotated[str, Field(pattern=r"^[^\s:/]+:\d{1,5}$")]
"""HOST:PORT."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataflowConfig(_Frozen):
    """Google's workers; project, region, image, labels and key are `vertex`'s."""

    machine_type: str | None = None
    """Such as n2-standard-4; Dataflow chooses when it is not said."""

    max_workers: int | None = Field(default=None, ge=1)
    """Where autoscaling ends."""

    disk_gb: int | None = Field(default=None, ge=30)
    """Boot disk of a worker; it holds the image."""

    temp_location: str | None = Field(default=None, pattern=r"^gs://.+")
    """Bucket folder for Beam's own files; None means OUTPUT_ROOT/beam."""

    service_account: str | None = None
    """E-mail of the account that the workers run as; None means `vertex`'s."""

    network: str | None = None
    """Name of the VPC network; without it the project's default."""

    subnetwork: str | None = None
    """regions/REGION/subnetworks/NAME, or the whole URL."""

    public_ips: bool = False
    """Whether workers are reachable from outside; without, the subnetwork needs
    Private Google Access."""


class ClusterConfig(_Frozen):
    """A Flink or Spark cluster, and what runs our code beside each of its workers."""

    job_endpoint: Address | None = None
    """Address of Beam's job server for the cluster."""

    master: str | None = None
    """The cluster itself (Flink: HOST:PORT, Spark: spark://HOST:PORT); Beam then starts
    a job server here, which needs Java and Beam's jar."""

    artifact_endpoint: Address | None = None
    """Where the job server takes files, when it cannot say so itself."""

    worker_pool: Address | None = None
    """Of Beam's worker pool, as each of the cluster's workers reaches it; it runs with
    this project installed."""

    image: str | None = None
    """Container that the cluster's workers start instead; None means `vertex`'s."""

    @pydantic.model_validator(mode="after")
    def _is_reached_in_one_way(self) -> ClusterConfig:
        if (self.job_endpoint is None) == (self.master is None):
            raise ValueError("give either job_endpoint or master")
        if self.worker_pool is not None and self.image is not None:
            raise ValueError("give either worker_pool or image, not both")
        return self


class BeamConfig(_Frozen):
    """Which runner, and what each one needs; only the chosen one's part is used."""

    runner: Literal["direct", "multi_processing", "dataflow", "flink", "spark"] = (
        "direct"
    )
    """direct is this process; the others start workers."""

    workers: int | None = Field(default=None, ge=1)
    """multi_processing: processes (None means all cores). dataflow: how many to begin
    with. flink: its parallelism."""

    dataflow: DataflowConfig = DataflowConfig()
    flink: ClusterConfig | None = None
    spark: ClusterConfig | None = None

    extra_args: tuple[str, ...] = ()
    """More arguments of Beam's own, after the rest; each starts with `--`."""

    @property
    def cluster(self) -> ClusterConfig | None:
        """The chosen runner's cluster, if it is one of these."""
        return {"flink": self.flink, "spark": self.spark}.get(self.runner)

    @pydantic.field_validator("extra_args")
    @classmethod
    def _leave_the_runner_alone(cls, arguments: tuple[str, ...]) -> tuple[str, ...]:
        for argument in arguments:
            if not argument.startswith("--"):
                raise ValueError(f"'{argument}' is not an argument: write --name=value")
            if argument.partition("=")[0] in ("--runner", "--direct_running_mode"):
                raise ValueError(f"'{argument}': say that with beam.runner")
        return arguments

    def problems(
        self, output_root: str, has_vertex: bool, image: str | None
    ) -> Iterator[str]:
        """What the chosen runner lacks, or cannot be given.

        Args:
          output_root: where the artifacts go; every worker must reach it.
          has_vertex: whether there is a `vertex` section.
          image: of that section.
        """
        if self.runner == "direct" and (self.workers or 1) > 1:
            yield (
                f"runner direct is one process, and workers is {self.workers}; "
                "multi_processing starts more"
            )
        if self.runner == "spark" and self.workers:
            yield "workers is not for spark: its cores decide; leave it out"
        if self.runner == "dataflow":
            yield from _lacks_for_dataflow(output_root, has_vertex)
        if self.runner in ("flink", "spark"):
            yield from _lacks_for_cluster(self.runner, self.cluster, image)


def _lacks_for_dataflow(output_root: str, has_vertex: bool) -> Iterator[str]:
    if not has_vertex:
        yield (
            "runner dataflow takes project, region and image from the vertex section, "
            "and there is none: it is for vertex_runner.py"
        )
    if not output_root.startswith("gs://"):
        yield (
            f"runner dataflow needs an output_root that its workers reach (gs://...); "
            f"it is {output_root}. To rehearse here: --set beam.runner=direct"
        )


def _lacks_for_cluster(
    runner: str, cluster: ClusterConfig | None, image: str | None
) -> Iterator[str]:
    if cluster is None:
        key = f"beam.{runner}"
        yield f"runner {runner} needs {key}.job_endpoint or {key}.master"
    elif not (cluster.worker_pool or cluster.image or image):
        yield (
            f"runner {runner} needs beam.{runner}.worker_pool (HOST:PORT) or "
            f"beam.{runner}.image: what runs our code beside its workers"
        )
