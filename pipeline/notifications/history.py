"""What people were told of each run: a file in the run's folder.

It answers whether a failure is new, whether this success is the first after failures,
and whether somebody has told of this run already.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.notifications import files
from pipeline.notifications.facts import SUCCEEDED, Facts

FILE = "told.json"

SENT = "sent"
WAITING = "waiting"
LOST = "lost"


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What became of one message to one channel."""

    channel: str
    kind: str
    outcome: str
    """'sent', 'waiting' (it lies in the outbox) or 'lost' (not even that worked)."""

    at: float
    """Seconds since 1970."""

    error: str = ""

    def __str__(self) -> str:
        """One line for the terminal."""
        return f"{self.channel} {self.outcome}{': ' + self.error if self.error else ''}"


@dataclasses.dataclass(frozen=True)
class Told:
    """One run, as told."""

    pipeline: str
    run_id: str
    outcome: str
    signature: str
    ended: float
    pushed: str | None
    events: tuple[str, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def channels(self) -> frozenset[str]:
        """Channels that heard of it, or will."""
        return frozenset(d.channel for d in self.deliveries if d.outcome != LOST)


def record(
    facts: Facts, events: tuple[str, ...], deliveries: tuple[Delivery, ...], runs: Path
) -> Told:
    """Writes what was told into the run's folder.

    Raises:
      OSError: the folder cannot be written.
    """
    told = Told(
        pipeline=facts.pipeline,
        run_id=facts.run_id,
        outcome=facts.outcome,
        signature=facts.signature,
        ended=facts.ended or 0.0,
        pushed=facts.pushed,
        events=events,
        deliveries=deliveries,
    )
    files.write_json(runs / facts.run_id / FILE, dataclasses.asdict(told))
    return told


def of_run(runs: Path, run_id: str) -> Told | None:
    """What was told of that run, if anything."""
    return _read(runs / run_id / FILE)


def before(facts: Facts, runs: Path) -> Iterator[Told]:
    """The pipeline's earlier runs, newest first.

    Run ids begin with (or end in) the time they started, so their order is that of the
    names; two of the same second are told apart by the rest of the name.
    """
    names = sorted((path.parent.name for path in runs.glob(f"*/{FILE}")), reverse=True)
    for name in names:
        if name == facts.run_id:
            continue
        told = of_run(runs, name)
        if told and told.pipeline == facts.pipeline:
            yield told


def failures_in_a_row(history: Iterator[Told]) -> list[Told]:
    """The failures since the last success, newest first."""
    found = []
    for told in history:
        if told.outcome == SUCCEEDED:
            break
        found.append(told)
    return found


def _read(file: Path) -> Told | None:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found["deliveries"] = tuple(Delivery(**each) for each in found["deliveries"])
        return Told(**{**found, "events": tuple(found["events"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
