"""What a run on Vertex writes of itself into its experiment; never fails the run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.config import layers
from pipeline.gcp import clients
from pipeline.gcp.experiments import curves
from pipeline.gcp.experiments.contexts import Experiment, Patience, Place, Value

PATIENCE_S = 60.0
"""Seconds that a run waits for it at most."""

_LOG = logging.getLogger("millrace")


def join(place: str, run: str, params: Mapping[str, Value]) -> str:
    """Makes the run's entry when its job is submitted.

    Args:
      place: of platforms.settings.experiment.
      run: the job's id.
      params: what it will be trained with.

    Returns:
      '' when it joined or there is no experiment; else why not.
    """

    def write(experiment: Experiment, patience: Patience) -> None:
        experiment.begin(run, params)
        experiment.link_job(run)

    return _tried(_parsed(place), write)


def finished(
    place: str,
    run: str,
    params: Mapping[str, Value],
    metrics: Mapping[str, float],
    epochs: Sequence[Mapping[str, float]],
) -> str:
    """Writes what came of a run that went to its end, blessed or not.

    Args:
      place: of platforms.settings.experiment.
      run: the job's id.
      params: what it was trained with.
      metrics: the candidate's, and the verdict as 0 or 1.
      epochs: as `trainer.history` leaves them.

    Returns:
      '' when it is written or there is no experiment; else why not.
    """

    def write(experiment: Experiment, patience: Patience) -> None:
        experiment.begin(run, params)
        experiment.link_job(run)
        experiment.update(run, {}, metrics, "COMPLETE")
        if epochs and experiment.place.tensorboard:
            curves.write(experiment, run, epochs, patience)

    return _tried(_parsed(place), write)


def stopped(place: str, run: str, state: str) -> str:
    """Writes that the run ended before its end: FAILED or CANCELLED."""

    def write(experiment: Experiment, patience: Patience) -> None:
        experiment.begin(run, {})
        experiment.link_job(run)
        experiment.update(run, {}, {}, state)

    return _tried(_parsed(place), write)


def flat(prefix: str, values: Any) -> dict[str, Value]:
    """Nested values under dotted names; numbers stay, all else is text."""
    return {
        name: float(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value)
        for name, value in layers.leaves(values, prefix)
        if value is not None
    }


def _parsed(place: str) -> Place | None:
    return Place(**json.loads(place)) if place else None


def _tried(place: Place | None, write: Callable[[Experiment, Patience], None]) -> str:
    if place is None:
        return ""
    try:
        patience = Patience(PATIENCE_S)
        with clients.asking(f"write into the experiment {place.experiment}"):
            write(Experiment(place, patience), patience)
    except Exception as error:
        # An entry in a table must never change what became of the run.
        _LOG.warning("the experiment does not know of this run: %s", error)
        return f"{type(error).__name__}: {error}"
    return ""
