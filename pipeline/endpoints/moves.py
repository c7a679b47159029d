"""A change of the traffic from the wish to the record; what commands and runs call."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.config import Config
from pipeline.endpoints import traffic
from pipeline.endpoints.journal import Journal
from pipeline.endpoints.service import Endpoint
from pipeline.endpoints.traffic import Change, State
from pipeline.errors import CloudError, ConfigError
from pipeline.registry import places
from pipeline.registry.vertex import Place, VertexRegistry
from pipeline.vertex_config import EndpointConfig


def endpoint_of(config: Config) -> Endpoint:
    """The configuration's endpoint.

    Raises:
      ConfigError: it has none, or no registered model.
    """
    places.of(config, "vertex")
    if config.vertex is None or config.vertex.endpoint is None:
        raise ConfigError(
            "vertex.endpoint is not set; it says where versions answer: "
            "--set vertex.endpoint.name=NAME"
        )
    place = Place(**places.settings(config, "vertex")["vertex"])
    return Endpoint(place, config.vertex.endpoint, config.vertex.labels)


def settings(config: Config) -> dict[str, Any]:
    """The endpoint that a run deploys to, as plain values; empty if it does not."""
    vertex = config.vertex
    if vertex is None or not (vertex.endpoint and vertex.endpoint.deploy_candidate):
        return {}
    endpoint = endpoint_of(config)
    return {
        "place": dataclasses.asdict(endpoint.place),
        "endpoint": endpoint.endpoint.model_dump(mode="json"),
        "labels": dict(endpoint.labels),
    }


def version_of(endpoint: Endpoint, wanted: str) -> str:
    """The number of the version with that number or alias, such as `candidate`.

    Raises:
      UsageError: there is none.
    """
    return VertexRegistry(endpoint.place).version(wanted).number


def journal_of(endpoint: Endpoint) -> Journal:
    """Where the endpoint's changes are written down."""
    return Journal(endpoint.place, endpoint.endpoint.name)


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


def deploy_candidate(settings: Mapping[str, Any], version: str, run_id: str) -> Change:
    """Puts a version that a run has registered on the endpoint, as its canary.

    A retried task finds it there, and changes nothing.

    Args:
      settings: of `settings`, not empty.
      version: its number.
      run_id: of the run.

    Raises:
      UsageError: another canary has traffic; a person must decide about it first.
      CloudError: the service refused; what served before serves on.
    """
    endpoint = Endpoint(
        Place(**settings["place"]),
        EndpointConfig.model_validate(settings["endpoint"]),
        settings["labels"],
    )
    state = endpoint.state()
    change = traffic.deploy(state, version, endpoint.endpoint.canary_percent)
    reason = f"run {run_id}: blessed, and serves"
    carry_out(endpoint, "deploy", change, state, "pipeline", reason)
    return change
