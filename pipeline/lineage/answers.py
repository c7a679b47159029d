"""What a question gives back: plain values, and a graph where there is one."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

SCHEMA = "millrace-lineage-1"
"""Of the JSON: docs/lineage.schema.json. A change that breaks a reader counts it up."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A box of the graph."""

    id: str
    kind: str
    """artifact, execution or file."""

    label: str
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Graph:
    """Where something came from, or where it went."""

    root: str
    nodes: dict[str, Node]
    edges: tuple[tuple[str, str, str], ...]
    """From, to, what: along the way that the data took."""

    upwards: bool = True
    """Whether the root is where the edges end."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to one question."""

    question: str
    pipeline: str
    value: dict[str, Any]
    notes: tuple[str, ...] = ()
    """What the reader must know of how it was found."""

    graph: Graph | None = None
    good: bool = True
    """False ends the command with 1: `verify` found a change."""

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        found: dict[str, object] = {
            "schema": SCHEMA,
            "question": self.question,
            "pipeline": self.pipeline,
            "notes": list(self.notes),
            "answer": self.value,
        }
        if self.graph is not None:
            found["graph"] = {
                "root": self.graph.root,
                "nodes": [dataclasses.asdict(n) for n in self.graph.nodes.values()],
                "edges": [
                    {"from": source, "to": target, "what": what}
                    for source, target, what in self.graph.edges
                ],
            }
        return found


def iso(seconds: float | str) -> str:
    """A time of a store in ISO 8601, UTC; '' when it is not known."""
    try:
        moment = datetime.datetime.fromtimestamp(float(seconds), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
