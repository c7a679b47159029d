"""The epochs of a training as curves in Vertex TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.gcp import clients
from pipeline.gcp.experiments.contexts import Experiment, Patience

EPOCH = "epoch"
_FROM_EXPERIMENTS = {"vertex_tensorboard_experiment_source": "vertex_experiment"}


def write(
    experiment: Experiment,
    run: str,
    epochs: Sequence[Mapping[str, float]],
    patience: Patience,
) -> None:
    """Writes every metric of every epoch; one request holds all points.

    Args:
      experiment: with a TensorBoard.
      run: of the experiment.
      epochs: as `trainer.history` leaves them.
      patience: for all requests together.
    """
    from google.cloud import aiplatform_v1 as api

    place = experiment.place
    service = clients.vertex(api.TensorboardServiceClient, place.region)
    folder = _ensure(
        service.create_tensorboard_experiment,
        f"{place.tensorboard}/experiments/{place.experiment}",
        patience,
        parent=place.tensorboard,
        tensorboard_experiment_id=place.experiment,
        tensorboard_experiment={
            "display_name": place.experiment,
            "labels": _FROM_EXPERIMENTS,
        },
    )
    board = _ensure(
        service.create_tensorboard_run,
        f"{folder}/runs/{run}",
        patience,
        parent=folder,
        tensorboard_run_id=run,
        tensorboard_run={"display_name": run},
    )
    names = sorted({name for epoch in epochs for name in epoch} - {EPOCH})
    series = _series(service, board, names, patience)
    service.write_tensorboard_run_data(
        tensorboard_run=board,
        time_series_data=[_points(series[name], name, epochs) for name in names],
        timeout=patience.left(),
    )
    _link(experiment, run, board)


def _ensure(create: Any, name: str, patience: Patience, **request: Any) -> str:
    from google.api_core import exceptions

    try:
        return create(request, timeout=patience.left()).name
    except exceptions.AlreadyExists:
        return name


def _series(
    service: Any, board: str, names: Sequence[str], patience: Patience
) -> dict[str, str]:
    """Name of a metric -> id of its time series; made where it is not there."""
    found = {
        each.display_name: each.name.rpartition("/")[2]
        for each in service.list_tensorboard_time_series(
            parent=board, timeout=patience.left()
        )
    }
    for name in names:
        if name not in found:
            made = service.create_tensorboard_time_series(
                parent=board,
                tensorboard_time_series={
                    "display_name": name,
                    "value_type": "SCALAR",
                },
                timeout=patience.left(),
            )
            found[name] = made.name.rpartition("/")[2]
    return found


def _points(series: str, name: str, epochs: Sequence[Mapping[str, float]]) -> Any:
    from google.cloud import aiplatform_v1 as api
    from google.protobuf import timestamp_pb2

    now = timestamp_pb2.Timestamp(seconds=int(time.time()))
    return api.TimeSeriesData(
        tensorboard_time_series_id=series,
        value_type="SCALAR",
        values=[
            api.TimeSeriesDataPoint(
                step=int(epoch[EPOCH]),
                wall_time=now,
                scalar=api.Scalar(value=epoch[name]),
            )
            for epoch in epochs
            if name in epoch
        ],
    )


def _link(experiment: Experiment, run: str, board: str) -> None:
    """The artifact by which the SDK and the console find the run's curves."""
    region = experiment.place.region
    experiment.link_artifact(
        run,
        f"{experiment.id_of(run)}-tb-run",
        {
            "uri": f"https://{region}-aiplatform.googleapis.com/v1/{board}",
            "schema_title": "google.VertexTensorboardRun",
            "schema_version": "0.0.1",
            "state": "LIVE",
            "metadata": {"resourceName": board, "vertex_experiment_tracking": True},
        },
    )
