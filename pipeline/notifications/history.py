"""What people were told of each run: a file in the run's folder.

It answers whether a failure is new, whether this success is the first after failures,
and whether somebody has told of this run already.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipeline import files
from pipeline.runs.facts import RunFacts

FILE = "told.json"

SENT = "sent"
WAITING = "waiting"
LOST = "lost"

OVERRIDDEN = "OVERRIDDEN"


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
    """One run as told, and what the next one must know of those before it."""

    pipeline: str
    run_id: str
    outcome: str
    signature: str
    ended: float
    events: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    repeats: int = 0
    """Runs in a row, this one included, that failed in this very way."""

    failures: int = 0
    """Failed runs since the last success, this one included."""

    heard: tuple[str, ...] = ()
    """Channels that heard of one of these failures, or will."""

    pushed: str | None = None
    """Folder of the newest pushed version, by this run or before it."""


def after(
    previous: Told | None,
    facts: RunFacts,
    events: tuple[str, ...],
    deliveries: tuple[Delivery, ...],
) -> Told:
    """The run as told, behind the one before it.

    An override is no end of a run: the next one counts failures as if nobody had
    spoken.
    """
    told = Told(
        pipeline=facts.pipeline,
        run_id=facts.run_id,
        outcome=facts.outcome,
        signature=facts.signature,
        ended=facts.ended or 0.0,
        events=events,
        deliveries=deliveries,
        pushed=facts.pushed or (previous.pushed if previous else None),
    )
    if facts.succeeded:
        return told
    if facts.outcome == OVERRIDDEN:
        return _as_before(told, previous)
    mine = {d.channel for d in deliveries if d.outcome != LOST}
    before = set(previous.heard) if previous else set()
    return dataclasses.replace(
        told,
        repeats=repeats(facts, previous),
        failures=1 + (previous.failures if previous else 0),
        heard=tuple(sorted(mine | before)),
    )


def _as_before(told: Told, previous: Told | None) -> Told:
    """With the failures that there were, and all deliveries of the same run."""
    if previous is None:
        return told
    mine = previous.deliveries if previous.run_id == told.run_id else ()
    return dataclasses.replace(
        told,
        signature=previous.signature,
        deliveries=(*mine, *told.deliveries),
        repeats=previous.repeats,
        failures=previous.failures,
        heard=previous.heard,
    )


def repeats(facts: RunFacts, previous: Told | None) -> int:
    """How many runs in a row, this one included, failed in this very way."""
    same = previous is not None and previous.signature == facts.signature
    return previous.repeats + 1 if previous and same else 1


def record(told: Told, runs: Path) -> None:
    """Writes what was told into the run's folder.

    Raises:
      OSError: the folder cannot be written.
    """
    files.write_json(runs / told.run_id / FILE, dataclasses.asdict(told))


def of_run(runs: Path, run_id: str) -> Told | None:
    """What was told of that run, if anything."""
    return _read(runs / run_id / FILE)


def latest(facts: RunFacts, runs: Path) -> Told | None:
    """The pipeline's newest other run that was told.

    Run ids begin with, or end in, the time at which they started, so their order is
    that of the names; two of the same second are told apart by the rest of the name.
    """
    names = sorted((path.parent.name for path in runs.glob(f"*/{FILE}")), reverse=True)
    for name in names:
        told = of_run(runs, name) if name != facts.run_id else None
        if told and told.pipeline == facts.pipeline:
            return told
    return None


def _read(file: Path) -> Told | None:
    found = files.read_json(file)
    try:
        found["deliveries"] = tuple(Delivery(**each) for each in found["deliveries"])
        lists = {key: tuple(found[key]) for key in ("events", "heard")}
        return Told(**{**found, **lists})
    except (TypeError, KeyError):
        return None
