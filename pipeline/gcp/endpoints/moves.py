"""A change of the traffic from the wish to the record; what commands and runs call."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from pipeline.errors import CloudError
from pipeline.gcp.endpoints import traffic
from pipeline.gcp.endpoints.journal import Journal
from pipeline.gcp.endpoints.service import Endpoint, EndpointSettings
from pipeline.gcp.endpoints.traffic import Change, State
from pipeline.gcp.registry import Place, VertexRegistry


def version_of(endpoint: Endpoint, wanted: str) -> str:
    """The number of the version with that number or alias, such as `candidate`.

    Raises:
      UsageError: there is none.
    """
    return VertexRegistry(endpoint.place).version(wanted).number


def journal_of(endpoint: Endpoint) -> Journal:
    """Where the endpoint's changes are written down."""
    return Journal(endpoint.place, endpoint.settings.name)


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
      settings: of platforms.settings.endpoint, not empty.
      version: its number.
      run_id: of the run.

    Raises:
      UsageError: another canary has traffic; a person must decide about it first.
      CloudError: the service refused; what served before serves on.
    """
    endpoint = Endpoint(
        Place(**settings["place"]),
        EndpointSettings(**settings["endpoint"]),
        settings["labels"],
    )
    state = endpoint.state()
    change = traffic.deploy(state, version, endpoint.settings.canary_percent)
    reason = f"run {run_id}: blessed, and serves"
    carry_out(endpoint, "deploy", change, state, "pipeline", reason)
    return change
