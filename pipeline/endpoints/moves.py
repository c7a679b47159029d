"""A change of the traffic from the wish to the record; what commands and runs call."""

from __future__ import annotations

import contextlib

from pipeline import registered
from pipeline.config import Config
from pipeline.endpoints import traffic
from pipeline.endpoints.journal import Journal
from pipeline.endpoints.service import Endpoint
from pipeline.endpoints.traffic import Change, State
from pipeline.errors import CloudError, ConfigError


def endpoint_of(config: Config) -> Endpoint:
    """The configuration's endpoint.

    Raises:
      ConfigError: it has none, or no registered model.
    """
    model = registered.of(config)
    if model.config.endpoint is None:
        raise ConfigError(
            "vertex.endpoint is not set; it says where versions answer: "
            "--set vertex.endpoint.name=NAME"
        )
    return Endpoint(model, model.config.endpoint)


def journal_of(endpoint: Endpoint) -> Journal:
    """Where the endpoint's changes are written down."""
    return Journal(endpoint.model.config, endpoint.endpoint.name)


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
