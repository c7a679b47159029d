"""An experiment and its runs: contexts in Vertex ML Metadata."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.errors import CloudUnavailable
from pipeline.gcp import clients, metadata_store

REQUEST_S = 20
_VERSION = "0.0.1"
# The SDK's names for what it keeps in a context.
_PARAMS, _METRICS, _STATE = "_params", "_metrics", "_state"
_TENSORBOARD = "backing_tensorboard_resource"

Value = str | float
Values = Mapping[str, Value]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where the runs are compared; plain values, so that a task gets it too."""

    project: str
    region: str
    experiment: str
    tensorboard: str = ""
    """Resource name of the TensorBoard for the curves; '' is none."""

    @property
    def parent(self) -> str:
        """The location's resource name."""
        return clients.location(self.project, self.region)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the experiment."""

    name: str
    state: str
    params: Values
    metrics: Values
    created: float
    """Seconds since 1970."""


class Patience:
    """Seconds that a whole conversation may take."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._end, self._clock = clock() + seconds, clock

    def left(self) -> float:
        """For the next request.

        Raises:
          CloudUnavailable: the time is over.
        """
        left = self._end - self._clock()
        if left <= 0:
            raise CloudUnavailable("Vertex Experiments took too long")
        return min(left, REQUEST_S)


class Experiment:
    """The experiment of a place."""

    def __init__(self, place: Place, patience: Patience) -> None:
        """Asks nothing yet."""
        from google.cloud.aiplatform_v1 import MetadataServiceClient

        self.place, self._patience = place, patience
        self._store = metadata_store.name(place.parent)
        self._service = clients.vertex(MetadataServiceClient, place.region)

    def begin(self, run: str, params: Values) -> None:
        """Makes the run, and the experiment before it; a second time adds params."""
        whole = {"experiment_deleted": False}
        if self.place.tensorboard:
            whole[_TENSORBOARD] = self.place.tensorboard  # type: ignore[assignment]
        parent = self._ensure(self.place.experiment, "system.Experiment", whole)
        empty = {_PARAMS: dict(params), _METRICS: {}, _STATE: "RUNNING"}
        made = self._ensure(
            self.id_of(run), "system.ExperimentRun", empty, display_name=run
        )
        self._adopt(parent.name, made.name)
        self.update(run, params, {})

    def update(
        self, run: str, params: Values, metrics: Values, state: str | None = None
    ) -> None:
        """Adds to what is known of the run."""
        found = self._get(self.id_of(run))
        known = plain(found)
        known[_PARAMS] = {**known.get(_PARAMS, {}), **params}
        known[_METRICS] = {**known.get(_METRICS, {}), **metrics}
        known[_STATE] = state or known.get(_STATE, "RUNNING")
        self._service.update_context(
            context={"name": found.name, "metadata": known, "etag": found.etag},
            update_mask={"paths": ["metadata"]},
            timeout=self._patience.left(),
        )

    def link_job(self, run: str) -> bool:
        """Links the pipeline job of that name; False while Vertex has no context of it.

        Vertex makes that some seconds after the job.
        """
        from google.api_core import exceptions

        try:
            self._adopt(self.name_of(self.id_of(run)), self.name_of(run))
        except exceptions.NotFound:
            return False
        return True

    def link_artifact(self, run: str, artifact_id: str, artifact: Any) -> None:
        """Makes the artifact, and puts it into the run."""
        from google.api_core import exceptions

        with contextlib.suppress(exceptions.AlreadyExists):
            self._service.create_artifact(
                parent=self._store,
                artifact=artifact,
                artifact_id=artifact_id,
                timeout=self._patience.left(),
            )
        self._service.add_context_artifacts_and_executions(
            context=self.name_of(self.id_of(run)),
            artifacts=[f"{self._store}/artifacts/{artifact_id}"],
            timeout=self._patience.left(),
        )

    def runs(self) -> list[Run]:
        """All of them, newest first; none when there is no such experiment."""
        from google.api_core import exceptions

        parent = self.name_of(self.place.experiment)
        request = {
            "parent": self._store,
            "filter": 'schema_title="system.ExperimentRun" AND '
            f'parent_contexts:"{parent}"',
        }
        try:
            found = list(
                self._service.list_contexts(request, timeout=self._patience.left())
            )
        except exceptions.NotFound:
            return []
        return sorted(map(_run, found), key=lambda run: run.created, reverse=True)

    def id_of(self, run: str) -> str:
        """The id of the run's context, as the SDK makes it."""
        return f"{self.place.experiment}-{run}"

    def name_of(self, context_id: str) -> str:
        """The resource name of a context."""
        return f"{self._store}/contexts/{context_id}"

    def _get(self, context_id: str) -> Any:
        return self._service.get_context(
            name=self.name_of(context_id), timeout=self._patience.left()
        )

    def _ensure(
        self,
        context_id: str,
        schema: str,
        metadata: Mapping[str, object],
        display_name: str = "",
    ) -> Any:
        from google.api_core import exceptions

        context = {
            "display_name": display_name or context_id,
            "schema_title": schema,
            "schema_version": _VERSION,
            "metadata": metadata,
        }
        for _ in range(2):
            try:
                return self._service.create_context(
                    parent=self._store,
                    context=context,
                    context_id=context_id,
                    timeout=self._patience.left(),
                )
            except exceptions.AlreadyExists:
                return self._get(context_id)
            except exceptions.NotFound:
                metadata_store.make(
                    self._service, self.place.parent, "", self._patience.left
                )
        raise AssertionError("the store that was just made is not found")

    def _adopt(self, parent: str, child: str) -> None:
        self._service.add_context_children(
            context=parent, child_contexts=[child], timeout=self._patience.left()
        )


def plain(context: Any) -> dict[str, Any]:
    """The metadata of a context as plain values."""
    from google.protobuf import json_format

    return json_format.MessageToDict(type(context).pb(context)).get("metadata", {})


def _run(context: Any) -> Run:
    known = plain(context)
    return Run(
        name=context.display_name,
        state=known.get(_STATE, ""),
        params=known.get(_PARAMS, {}),
        metrics=known.get(_METRICS, {}),
        created=context.create_time.timestamp(),
    )
