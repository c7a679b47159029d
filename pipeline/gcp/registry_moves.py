"""Moves as executions in Vertex ML Metadata: RUNNING before one takes effect."""

from __future__ import annotations

import dataclasses
import functools
import re
import time
from typing import Any

from pipeline.errors import BusyError
from pipeline.gcp import clients, metadata_store
from pipeline.registry.versions import Move

TIMEOUT_S = 60
# A move takes seconds. One that is RUNNING for longer belongs to a process that died.
GRACE_S = 120

_SCHEMA = "system.Run"
_OF = "millrace_model"
_FIELDS = ("action", "before", "champion", "candidate", "actor", "reason", "run_id")


class VertexMoves:
    """The moves of one model."""

    def __init__(self, project: str, region: str, model: str, key: str = "") -> None:
        """Asks nothing yet; `key` encrypts a metadata store that is made here."""
        self._parent = clients.location(project, region)
        self._store = metadata_store.name(self._parent)
        self._region, self._model, self._key = region, model, key

    def all(self, champion: str, candidate: str) -> list[Move]:
        """All of them, newest first.

        The alias is what makes a move take effect. So the newest one counts, too, when
        its process died after that, or the answer got lost, before it could say so.

        Args:
          champion: who has the alias now.
          candidate: the same.
        """
        executions = self._executions()
        moves = [_move(execution) for execution in executions]
        if moves and not moves[0].finished:
            took = (champion, candidate) == (moves[0].champion, moves[0].candidate)
            moves[0] = dataclasses.replace(moves[0], finished=took)
        return moves

    def begin(self, move: Move) -> Move:
        """Writes the move down, before it takes effect.

        Its number is the lock: of two that begin at once, one gets it.

        Raises:
          BusyError: another one is on its way.
        """
        from google.api_core import exceptions
        from google.cloud import aiplatform_v1

        before = self._executions()
        self._require_quiet(before, move)
        number = max((_number(execution) for execution in before), default=0) + 1
        move_id = f"{self._prefix()}{number:04d}"
        metadata = {name: getattr(move, name) for name in (*_FIELDS, "manifest")}
        with clients.asking("write the move down in Vertex ML Metadata"):
            try:
                made = self._client.create_execution(
                    parent=self._store,
                    execution_id=move_id,
                    execution=aiplatform_v1.Execution(
                        display_name=f"{move.action} {self._model}",
                        schema_title=_SCHEMA,
                        schema_version="0.0.1",
                        state="RUNNING",
                        description=move.reason[:1000],
                        metadata={**metadata, _OF: self._model},
                    ),
                    timeout=TIMEOUT_S,
                )
            except exceptions.AlreadyExists:
                raise BusyError(_busy("somebody")) from None
        return dataclasses.replace(
            move, id=move_id, at=made.create_time.timestamp(), finished=False
        )

    def end(self, move: Move, state: str) -> Move:
        """Writes down that it took effect (COMPLETE), or did not (FAILED)."""
        from google.cloud import aiplatform_v1
        from google.protobuf import field_mask_pb2

        with clients.asking("close the move in Vertex ML Metadata"):
            self._client.update_execution(
                execution=aiplatform_v1.Execution(
                    name=f"{self._store}/executions/{move.id}", state=state
                ),
                update_mask=field_mask_pb2.FieldMask(paths=["state"]),
                timeout=TIMEOUT_S,
            )
        return dataclasses.replace(move, finished=state == "COMPLETE")

    def settle(self, move: Move) -> None:
        """Closes the newest move, that took effect and could not say so."""
        newest = self._executions()[:1]
        if newest and newest[0].state.name != "COMPLETE":
            self.end(move, "COMPLETE")

    def _require_quiet(self, before: list[Any], move: Move) -> None:
        """Nobody else is between the two steps."""
        for execution in before[:1]:
            other = _move(execution)
            young = time.time() - other.at < GRACE_S
            mine = move.run_id and other.run_id == move.run_id
            if execution.state.name == "RUNNING" and young and not mine:
                raise BusyError(_busy(other.actor))

    def _executions(self) -> list[Any]:
        """Newest first; a project whose store is not there yet gets it."""
        from google.api_core import exceptions

        with clients.asking("read the moves in Vertex ML Metadata"):
            try:
                return listed(self._client, self._store, self._model)[::-1]
            except exceptions.NotFound:
                metadata_store.make(
                    self._client, self._parent, self._key, lambda: TIMEOUT_S
                )
                return []

    @functools.cached_property
    def _client(self) -> Any:
        from google.cloud import aiplatform_v1

        return clients.vertex(aiplatform_v1.MetadataServiceClient, self._region)

    def _prefix(self) -> str:
        """Of the ids: its characters are fewer than those of a model's id."""
        return f"{self._model.replace('_', '-')}-move-"


def listed(client: Any, store: str, model: str) -> list[Any]:
    """The executions that are moves of a model, oldest first, whether they took effect.

    Args:
      client: MetadataServiceClient.
      store: its resource name.
      model: id of the model.
    """
    found = client.list_executions(
        {
            "parent": store,
            "filter": f'schema_title="{_SCHEMA}" AND '
            f'metadata.{_OF}.string_value="{model}"',
        },
        timeout=TIMEOUT_S,
    )
    return sorted(found, key=_number)


def _number(execution: Any) -> int:
    found = re.search(r"-move-(\d+)$", execution.name)
    return int(found[1]) if found else 0


def _move(execution: Any) -> Move:
    values = dict(execution.metadata)
    known = {name: str(values.get(name, "")) for name in (*_FIELDS, "manifest")}
    return Move(
        **known,  # type: ignore[arg-type]
        id=execution.name.rpartition("/")[2],
        at=execution.create_time.timestamp(),
        finished=execution.state.name == "COMPLETE",
    )


def _busy(who: str) -> str:
    return (
        f"{who} is moving the champion right now. Look at `model history` in "
        f"{GRACE_S} s, and decide again"
    )
