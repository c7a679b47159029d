"""The configuration's `vertex` section: where and how the compiled job runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from pipeline.config import google_names, machines


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


MAX_LABELS = 59
"""Vertex takes 64 of a job; up to five are Millrace's own."""

_RESERVED_LABEL = "vertex-ai-pipelines-run-billing-id"
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")

# Of the graph: what resources and retries may be given to.
Node = Literal[
    "ExampleGen",
    "StatisticsGen",
    "SchemaValidator",
    "Transform",
    "Trainer",
    "Evaluator",
    "Pusher",
    "Notifier",
]


class Resources(_Frozen):
    """The machine of one task, and for how long; Vertex chooses what is not said."""

    cpu: float | None = Field(default=None, gt=0)
    memory_gb: float | None = Field(default=None, gt=0)
    accelerator: str | None = None
    """Vertex's name, such as NVIDIA_TESLA_T4."""

    accelerator_count: int = Field(default=1, ge=1)

    timeout_minutes: int | None = Field(default=None, ge=1)
    """Over `vertex.timeout_minutes`, for this task."""

    @pydantic.model_validator(mode="after")
    def _is_a_machine(self) -> Resources:
        found = machines.problems(
            self.cpu, self.memory_gb, self.accelerator, self.accelerator_count
        )
        if text := "; ".join(found):
            raise ValueError(text)
        return self


class Retry(_Frozen):
    """How often and how patiently a failed task is started again."""

    count: int = Field(ge=1, le=10)
    backoff_s: int = Field(default=60, ge=1)
    factor: float = Field(default=2.0, ge=1)
    max_s: int = Field(default=600, ge=1)
    """The longest wait."""


class RegisteredModel(_Frozen):
    """The model of the Model Registry that each push gives a version to."""

    name: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_-]{0,62}$")
    """The model's id in the registry; None means the pipeline's name."""

    serving_image: str
    """Container that serves the versions: one of Google's for TensorFlow, or your own,
    with a TensorFlow that is no older than the Trainer's."""


class Prices(_Frozen):
    """What the region asks for; copy yours from Google's price list."""

    currency: str = "USD"
    cpu_hour: float = Field(ge=0)
    """One vCPU for an hour."""

    memory_gb_hour: float = Field(ge=0)
    """One GB of memory for an hour."""

    accelerator_hour: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Vertex's name of an accelerator -> one for an hour."""

    run: float = Field(default=0.0, ge=0)
    """Fee of each pipeline run."""


class EndpointConfig(_Frozen):
    """Where a version of the model answers requests."""

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")
    """The endpoint's id: lower case, digits and dashes; made when it is not there."""

    machine_type: str = "n1-standard-2"
    min_replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(default=1, ge=1)
    """Vertex adds machines up to here when they are busy."""

    canary_percent: int = Field(default=10, ge=0, le=99)
    """Part of the traffic that a new version takes at first."""

    deploy_candidate: bool = False
    """Whether a run that registers a version also deploys it as the canary."""

    @pydantic.model_validator(mode="after")
    def _has_room(self) -> EndpointConfig:
        if self.max_replicas < self.min_replicas:
            raise ValueError("max_replicas is below min_replicas")
        return self


class BatchConfig(_Frozen):
    """The machines of a batch prediction."""

    machine_type: str = "n1-standard-4"
    replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(default=4, ge=1)


class DnsPeering(_Frozen):
    """Names of a domain that a network of yours resolves."""

    domain: google_names.Domain
    """With a dot at its end, such as corp."""

    target_project: str
    """The project's id; Vertex's service agent needs the role dns.peer there."""

    target_network: google_names.Name
    """The network's name in that project."""


class PscInterface(_Frozen):
    """A Private Service Connect interface; fields as the service has them."""

    network_attachment: google_names.NetworkAttachment
    """Its name, or projects/P/regions/R/networkAttachments/NAME, in `vertex.region`."""

    dns_peering_configs: tuple[DnsPeering, ...] = ()


class VertexConfig(_Frozen):
    """Where the compiled pipeline runs; read by vertex_runner.py only."""

    project: str
    region: google_names.Region
    image: str
    """Container image, by digest."""

    templates: str | None = Field(default=None, pattern=r"^https://[^/]+/[^/]+/[^/]+$")
    """Artifact Registry's repository of compiled pipelines:
    https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY."""

    service_account: google_names.ServiceAccount | None = None
    """E-mail of the account that the tasks run as; without it the project's default."""

    network: google_names.Network | None = None
    """VPC network to peer with: projects/NUMBER/global/networks/NAME."""

    reserved_ip_ranges: tuple[google_names.Name, ...] = ()
    """Names of the ranges in `network` that the tasks' addresses come from."""

    psc_interface_config: PscInterface | None = None
    """Reach a network of yours by Private Service Connect, without peering."""

    encryption_key: google_names.EncryptionKey | None = None
    """Customer-managed key (CMEK) of all that the job makes, in `region`:
    projects/P/locations/L/keyRings/R/cryptoKeys/K."""

    failure_policy: Literal["slow", "fast"] = "slow"
    """After a failed task: run what does not depend on it, or start nothing more."""

    caching: bool = True
    """Whether tasks may take over the results of an earlier job."""

    model: RegisteredModel | None = None
    """Register each pushed model; None means that it stays a folder in the bucket."""

    labels: dict[str, str] = {}
    """For bills and searches; of each job. Lower case, digits, - and _, at most 63
    characters; a key starts with a letter."""

    timeout_minutes: int = Field(default=240, ge=1)
    """After so long each start of a task ends itself, as failed."""

    resources: dict[Node, Resources] = {}
    retries: dict[Node, Retry] = {}

    prices: Prices | None = None
    """For the cost of a run; without them only its hours are shown."""

    parameters: tuple[str, ...] = ()
    """Configuration keys that may be given when the job is submitted; with dots as
    underscores they are the parameters' names. data.span takes a date, too."""

    endpoint: EndpointConfig | None = None
    """Where versions answer requests; without it `endpoint` has nothing to do."""

    batch: BatchConfig = BatchConfig()

    experiment: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,127}$")
    """Vertex Experiment that each run joins; made when it is not there."""

    tensorboard: str | None = Field(
        default=None, pattern=r"^projects/[^/]+/locations/[^/]+/tensorboards/[^/]+$"
    )
    """Vertex TensorBoard that takes the curves of the experiment's runs."""

    @pydantic.field_validator("labels")
    @classmethod
    def _are_labels_that_vertex_takes(cls, labels: dict[str, str]) -> dict[str, str]:
        if problems := "; ".join(_problems(labels)):
            raise ValueError(problems)
        return labels

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> VertexConfig:
        if self.reserved_ip_ranges and not self.network:
            raise ValueError("reserved_ip_ranges are ranges of a network: set network")
        psc = self.psc_interface_config
        places = {
            "encryption_key": self.encryption_key or "",
            "psc_interface_config.network_attachment": psc.network_attachment
            if psc
            else "",
        }
        for key, resource in places.items():
            place = google_names.location_of(resource) or self.region
            if place != self.region:
                raise ValueError(
                    f"{key} is in {place}, and the job runs in {self.region}: the "
                    "service wants both in one region"
                )
        return self

    def timeout_s(self, node: str) -> int:
        """Seconds after which a start of the task ends itself."""
        own = {str(key): value for key, value in self.resources.items()}.get(node)
        return 60 * ((own and own.timeout_minutes) or self.timeout_minutes)


def _problems(labels: Mapping[str, str]) -> Iterator[str]:
    """What the service would refuse, after minutes of compiling and checks."""
    if len(labels) > MAX_LABELS:
        yield f"{len(labels)} labels, and at most {MAX_LABELS} are allowed"
    for key, value in labels.items():
        if key == _RESERVED_LABEL:
            yield f"key '{key}': Vertex writes over it"
        if not _LABEL_KEY.fullmatch(key):
            yield (
                f"key '{key}': expected a lower-case letter, then up to 62 lower-case "
                f"letters, digits, - and _{_hint(key.lstrip('0123456789-_ '))}"
            )
        if not _LABEL_VALUE.fullmatch(value):
            yield (
                f"value '{value}' of '{key}': expected at most 63 lower-case letters, "
                f"digits, - and _{_hint(value)}"
            )


def _hint(text: str) -> str:
    fixed = re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]
    return f" ('{fixed}' would do)" if _LABEL_KEY.fullmatch(fixed) else ""
