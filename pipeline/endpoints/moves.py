"""A change of the traffic from the wish to the record; what commands and runs call."""

from __future__ import annotations

import contextlib
import re

from pipeline import clients
from pipeline.config import Config
from pipeline.endpoints import traffic
from pipeline.endpoints.journal import Journal
from pipeline.endpoints.service import REQUEST_S, Endpoint
from pipeline.endpoints.traffic import Change, State
from pipeline.errors import CloudError, ConfigError, UsageError


def endpoint_of(config: Config) -> Endpoint:
    """The configuration's endpoint.

    Raises:
      ConfigError: it has none, or no registered model.
    """
    vertex = config.vertex
    if vertex is None or vertex.endpoint is None or vertex.model is None:
        raise ConfigError(
            "an endpoint needs vertex.endpoint, such as {name: trips}, and "
            "vertex.model, whose versions are deployed there"
        )
    model = vertex.model.name or config.pipeline_name
    where = f"projects/{vertex.project}/locations/{vertex.region}"
    return Endpoint(vertex, vertex.endpoint, f"{where}/models/{model}")


def journal_of(endpoint: Endpoint) -> Journal:
    """Where the endpoint's changes are written down."""
    return Journal(endpoint.config, endpoint.endpoint.name)


def version_of(endpoint: Endpoint, wanted: str) -> str:
    """The number of the version with that number or alias, such as `candidate`.

    Raises:
      UsageError: there is none.
    """
    from google.api_core import exceptions
    from google.cloud.aiplatform_v1 import ModelServiceClient

    if not re.fullmatch(r"[0-9]+|[a-z][a-zA-Z0-9-]*", wanted):
        raise UsageError(f"'{wanted}' is no version: expected a number or an alias")
    service = clients.vertex(ModelServiceClient, endpoint.config.region)
    with clients.asking(f"look for version {wanted}"):
        try:
            name = f"{endpoint.model}@{wanted}"
            return service.get_model(name=name, timeout=REQUEST_S).version_id
        except exceptions.NotFound:
            raise UsageError(
                f"{endpoint.model} has no version {wanted}. "
                "`python vertex_runner.py model list` shows what it has"
            ) from None


def carry_out(
    endpoint: Endpoint,
    action: str,
    change: Change,
    state: State,
    actor: str,
    reason: str,
) -> None:
    """Writes the change down, makes it, and writes down that it was made.

    A crash before the one request that makes it leaves the traffic as it was.

    Args:
      endpoint: what is changed.
      action: the word for it, such as promote.
      change: what to do.
      state: what it was planned on.
      actor: who wants it.
      reason: why.

    Raises:
      CloudError: the service refused, or somebody changed the traffic meanwhile.
      CloudUnavailable: it is busy or away, or a deployment goes on for over an hour.
    """
    if change.kind == "none":
        return
    journal = journal_of(endpoint)
    record = journal.begin(action, change, state, actor, reason)
    try:
        endpoint.apply(change, state)
    except CloudError:
        with contextlib.suppress(CloudError):
            journal.end(record, "FAILED")
        raise
    journal.end(record, "COMPLETE")


def deploy_candidate(config: Config, version: str, run_id: str) -> Change:
    """Puts a version that a run has registered on the endpoint, as its canary.

    A retried task finds it there, and changes nothing.

    Args:
      config: with `vertex.endpoint`.
      version: its number.
      run_id: of the run.

    Raises:
      UsageError: another canary has traffic; a person must decide about it first.
      CloudError: the service refused; what served before serves on.
    """
    endpoint = endpoint_of(config)
    state = endpoint.state()
    change = traffic.deploy(state, version, endpoint.endpoint.canary_percent)
    reason = f"run {run_id}: blessed, and serves"
    carry_out(endpoint, "deploy", change, state, "pipeline", reason)
    return change
