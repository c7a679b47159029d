"""Vertex AI's Model Registry: one model, a version for each push, aliases that move."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.errors import BusyError, CloudError, UsageError
from pipeline.gcp import clients, registry_models
from pipeline.gcp.registry_moves import TIMEOUT_S, VertexMoves
from pipeline.registry import decisions
from pipeline.registry.versions import (
    CANDIDATE,
    CHAMPION,
    Move,
    Origin,
    Override,
    Push,
    Version,
    holding,
    no_version,
    number_of,
)

UPLOAD_TIMEOUT_S = 1800
# A label holds 63 characters; half of a SHA-256 tells two models apart.
_LABEL = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where the model is, and with what it is served."""

    project: str
    region: str
    model: str
    """The model's id, the same for all versions."""

    image: str
    """The container that serves it."""

    service_account: str = ""
    encryption_key: str = ""

    @property
    def parent(self) -> str:
        """The location's resource name."""
        return clients.location(self.project, self.region)

    @property
    def name(self) -> str:
        """The model's resource name."""
        return f"{self.parent}/models/{self.model}"


class VertexRegistry:
    """The versions of one model.

    An alias is of one version, and MergeVersionAliases moves any number of them in one
    call: `champion` and `default` go together, so whoever asks for the model without a
    version gets the champion.
    """

    def __init__(
        self, place: Place, explanation: Mapping[str, object] | None = None
    ) -> None:
        """Asks nothing yet.

        Args:
          place: where the model is.
          explanation: ExplanationSpec of the versions that are uploaded, if any.
        """
        self.where = place.name
        self._place, self._explanation = place, explanation
        self._moves = VertexMoves(
            place.project, place.region, place.model, place.encryption_key
        )

    def versions(self) -> list[Version]:
        """All of them, newest first."""
        found = [registry_models.version(model) for model in self._listed()]
        return sorted(found, key=lambda version: int(version.number), reverse=True)

    def version(self, number: str) -> Version:
        """The version of that number or alias, or the latest, with its metrics."""
        known = self.versions()
        wanted = number_of(known, number)
        for version in known:
            if version.number == wanted:
                metrics = self._metrics(version)
                origin = dataclasses.replace(version.origin, metrics=metrics)
                return dataclasses.replace(version, origin=origin)
        raise UsageError(no_version(known, number, self.where))

    def moves(self) -> list[Move]:
        """All of them, newest first."""
        return self._moves_of(self.versions())

    def carry_out(self, move: Move) -> Move:
        """Does it: written down as RUNNING, one call that moves the aliases, COMPLETE.

        A crash before that call leaves the old champion, and a move that never counts.
        """
        found = self.versions()
        if holding(found, CHAMPION) != move.before:
            raise BusyError(
                f"meanwhile version {holding(found, CHAMPION) or 'none'} became the "
                f"champion of {self.where}, and not {move.before or 'none'} any more. "
                "Look at `model history`, and decide again"
            )
        for last in self._moves_of(found)[:1]:
            if last.finished:
                self._moves.settle(last)
        begun = self._moves.begin(move)
        try:
            self._move_aliases(begun, found)
        except CloudError:
            with contextlib.suppress(CloudError):
                self._moves.end(begun, "FAILED")
            raise
        return self._moves.end(begun, "COMPLETE")

    def push(
        self,
        copy: Callable[[], str],
        origin: Origin,
        manifest: str,
        content: str,
        promote: bool,
        override: Override | None = None,
    ) -> Push:
        """Takes in a new version; a retried task finds what it did before."""
        version = self._of_run(origin.run_id)
        is_new = version is None and override is None
        if twin := self._twin(content) if is_new else None:
            return self._again(twin, promote, origin.run_id)
        if version is None:
            version = self._upload(copy(), origin, content)
        if not self._evaluated(version):
            self._evaluate(version, origin)
        if not self._was_pushed(version):
            found = self.versions()
            before, waits = holding(found, CHAMPION), holding(found, CANDIDATE)
            self.carry_out(
                Move(
                    action="override" if override else "push",
                    before=before,
                    champion=version.number if promote else before,
                    candidate=waits if promote else version.number,
                    actor=override.by if override else f"run {origin.run_id}",
                    reason=override.reason if override else "blessed, and it serves",
                    run_id=origin.run_id,
                    manifest=manifest,
                )
            )
        return Push(version=self.version(version.number))

    def _twin(self, content: str) -> Version | None:
        """The newest version that holds this model."""
        found = [each for each in self.versions() if each.is_same(content[:_LABEL])]
        return found[0] if found else None

    def _again(self, twin: Version, promote: bool, run_id: str) -> Push:
        moves = self.moves()
        move = decisions.again(self.versions(), moves, twin, promote, run_id)
        if move:
            self.carry_out(move)
        version = self.version(twin.number)
        return Push(version=version, is_new=False, moved=move is not None)

    def _was_pushed(self, version: Version) -> bool:
        return any(
            move.finished and move.pushed == version.number for move in self.moves()
        )

    def _moves_of(self, found: list[Version]) -> list[Move]:
        return self._moves.all(holding(found, CHAMPION), holding(found, CANDIDATE))

    def _move_aliases(self, move: Move, found: list[Version]) -> None:
        """One call, on the version that gets the aliases."""
        candidate = holding(found, CANDIDATE)
        if move.champion != move.before:
            target, aliases = move.champion, [CHAMPION, "default"]
            if candidate == target:
                aliases.append(f"-{CANDIDATE}")
        else:
            target, aliases = move.candidate, [CANDIDATE]
        with clients.asking(f"move the aliases of {self.where} to version {target}"):
            self._client.merge_version_aliases(
                name=f"{self.where}@{target}",
                version_aliases=aliases,
                timeout=TIMEOUT_S,
            )

    def _listed(self, query: str = "") -> list[Any]:
        from google.api_core import exceptions

        request = {"name": self.where, "filter": query}
        with clients.asking(f"list the versions of {self.where}"):
            try:
                return list(
                    self._client.list_model_versions(request, timeout=TIMEOUT_S)
                )
            except exceptions.NotFound:
                return []

    def _of_run(self, run_id: str) -> Version | None:
        label = registry_models.label(run_id)
        found = self._listed(f'labels.{registry_models.RUN}="{label}"') if label else []
        return registry_models.version(found[0]) if found else None

    def _upload(self, uri: str, origin: Origin, content: str) -> Version:
        first = not self._listed()
        place = self._place
        request = {
            "parent": place.parent,
            "model": registry_models.model(
                place.model,
                uri,
                origin,
                content=content[:_LABEL],
                image=place.image,
                encryption_key=place.encryption_key,
                explanation=self._explanation,
            ),
            "service_account": place.service_account,
            **({"model_id": place.model} if first else {"parent_model": place.name}),
        }
        with clients.asking(f"upload a version of {self.where}"):
            answer = self._client.upload_model(request, timeout=TIMEOUT_S).result(
                timeout=UPLOAD_TIMEOUT_S
            )
        return self.version(answer.model_version_id)

    def _evaluated(self, version: Version) -> bool:
        return bool(self._evaluations(version))

    def _evaluate(self, version: Version, origin: Origin) -> None:
        if not origin.metrics:
            return
        with clients.asking(f"attach the metrics to {version.where}"):
            self._client.import_model_evaluation(
                parent=version.where,
                model_evaluation=registry_models.evaluation(origin),
                timeout=TIMEOUT_S,
            )

    def _evaluations(self, version: Version) -> list[Any]:
        with clients.asking(f"read the metrics of {version.where}"):
            return list(
                self._client.list_model_evaluations(
                    parent=version.where, timeout=TIMEOUT_S
                )
            )

    def _metrics(self, version: Version) -> dict[str, float]:
        for evaluation in self._evaluations(version)[-1:]:
            return registry_models.metrics(evaluation)
        return {}

    @functools.cached_property
    def _client(self) -> Any:
        from google.cloud import aiplatform_v1

        return clients.vertex(aiplatform_v1.ModelServiceClient, self._place.region)
