"""Vertex AI's TensorboardService: experiments, runs, time series and their points."""

from __future__ import annotations

import copy
import itertools
import re
import types
from collections.abc import Mapping
from typing import Any

from google.cloud.aiplatform_v1.types import (
    tensorboard,
    tensorboard_data,
    tensorboard_experiment,
    tensorboard_run,
    tensorboard_service,
    tensorboard_time_series,
)

from tests.fakes import labels
from tests.fakes.server import PARENT, Method, refuse

BOARD = f"{PARENT}/tensorboards/77"
_ID = r"[a-z0-9][a-z0-9-]{0,127}"


class Tensorboards:
    """One TensorBoard.

    Attributes:
      known: experiments, runs and time series by resource name.
      points: time series -> step -> point.
    """

    name = "google.cloud.aiplatform.v1.TensorboardService"

    def __init__(self) -> None:
        self.known: dict[str, Any] = {
            BOARD: tensorboard.Tensorboard(name=BOARD, display_name="curves")
        }
        self.points: dict[str, dict[int, Any]] = {}
        self._ids = itertools.count(501)

    def methods(self) -> Mapping[str, Method]:
        """What writing and reading curves takes."""
        of = tensorboard_service
        experiment = tensorboard_experiment.TensorboardExperiment
        run = tensorboard_run.TensorboardRun
        series = tensorboard_time_series.TensorboardTimeSeries
        return types.MappingProxyType(
            {
                "GetTensorboard": Method(
                    of.GetTensorboardRequest, tensorboard.Tensorboard, self._get
                ),
                "CreateTensorboardExperiment": Method(
                    of.CreateTensorboardExperimentRequest,
                    experiment,
                    lambda r: self._create(
                        r.parent,
                        "experiments",
                        r.tensorboard_experiment_id,
                        r.tensorboard_experiment,
                    ),
                ),
                "GetTensorboardExperiment": Method(
                    of.GetTensorboardExperimentRequest, experiment, self._get
                ),
                "CreateTensorboardRun": Method(
                    of.CreateTensorboardRunRequest,
                    run,
                    lambda r: self._create(
                        r.parent, "runs", r.tensorboard_run_id, r.tensorboard_run
                    ),
                ),
                "GetTensorboardRun": Method(
                    of.GetTensorboardRunRequest, run, self._get
                ),
                "CreateTensorboardTimeSeries": Method(
                    of.CreateTensorboardTimeSeriesRequest, series, self._create_series
                ),
                "ListTensorboardTimeSeries": Method(
                    of.ListTensorboardTimeSeriesRequest,
                    of.ListTensorboardTimeSeriesResponse,
                    self._list_series,
                ),
                "WriteTensorboardRunData": Method(
                    of.WriteTensorboardRunDataRequest,
                    of.WriteTensorboardRunDataResponse,
                    self._write,
                ),
                "BatchReadTensorboardTimeSeriesData": Method(
                    of.BatchReadTensorboardTimeSeriesDataRequest,
                    of.BatchReadTensorboardTimeSeriesDataResponse,
                    self._read,
                ),
            }
        )

    def _get(self, request: Any) -> Any:
        if request.name not in self.known:
            refuse("NOT_FOUND", f"{request.name} is not found")
        return self.known[request.name]

    def _create(self, parent: str, plural: str, own_id: str, given: Any) -> Any:
        if parent not in self.known:
            refuse("NOT_FOUND", f"{parent} is not found")
        if not re.fullmatch(_ID, own_id):
            refuse("INVALID_ARGUMENT", f"the id '{own_id}' must match {_ID}")
        if not given.display_name and plural == "runs":
            refuse("INVALID_ARGUMENT", "tensorboard_run.display_name is required")
        name = f"{parent}/{plural}/{own_id}"
        if name in self.known:
            refuse("ALREADY_EXISTS", f"{name} already exists")
        labels.require_labels(given.labels)
        made = copy.deepcopy(given)
        made.name = name
        self.known[name] = made
        return made

    def _create_series(self, request: Any) -> Any:
        if request.parent not in self.known:
            refuse("NOT_FOUND", f"{request.parent} is not found")
        given = request.tensorboard_time_series
        if not given.display_name or not given.value_type:
            refuse("INVALID_ARGUMENT", "display_name and value_type are required")
        for each in self._of(request.parent):
            if each.display_name == given.display_name:
                refuse("ALREADY_EXISTS", f"{given.display_name} already exists")
        made = copy.deepcopy(given)
        made.name = f"{request.parent}/timeSeries/{next(self._ids)}"
        self.known[made.name] = made
        self.points[made.name] = {}
        return made

    def _of(self, run: str) -> list[Any]:
        return [
            each
            for name, each in self.known.items()
            if name.startswith(f"{run}/timeSeries/")
        ]

    def _list_series(self, request: Any) -> Any:
        return tensorboard_service.ListTensorboardTimeSeriesResponse(
            tensorboard_time_series=self._of(request.parent)
        )

    def _write(self, request: Any) -> Any:
        for data in request.time_series_data:
            name = (
                f"{request.tensorboard_run}/timeSeries/"
                f"{data.tensorboard_time_series_id}"
            )
            if name not in self.known:
                refuse("NOT_FOUND", f"{name} is not found")
            if data.value_type != self.known[name].value_type:
                refuse("INVALID_ARGUMENT", "value_type differs from the time series'")
            for point in data.values:
                if not point.wall_time:
                    refuse("INVALID_ARGUMENT", "wall_time is required")
                self.points[name][point.step] = point
        return tensorboard_service.WriteTensorboardRunDataResponse()

    def _read(self, request: Any) -> Any:
        data = tensorboard_data
        return tensorboard_service.BatchReadTensorboardTimeSeriesDataResponse(
            time_series_data=[
                data.TimeSeriesData(
                    tensorboard_time_series_id=name.rpartition("/")[2],
                    value_type=self.known[name].value_type,
                    values=[point for _, point in sorted(self.points[name].items())],
                )
                for name in request.time_series
            ]
        )
