"""An answer as a tree: its graph from the root, or its values by their nesting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.lineage.answers import Answer, Graph
from pipeline.lineage.render.table import plain


def text(answer: Answer) -> str:
    """What the root was made of, or what came of it, each thing opened once."""
    lines = [f"note: {plain(note)}" for note in answer.notes]
    if answer.graph is not None:
        return "\n".join([*lines, *_graph(answer.graph)])
    return "\n".join([*lines, answer.question, *_values(answer.value, "")])


def _graph(graph: Graph) -> Iterator[str]:
    nearer, farther = (1, 0) if graph.upwards else (0, 1)
    beside: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        beside.setdefault(edge[nearer], []).append((edge[farther], edge[2]))
    opened: set[str] = set()
    # (id, what, indent of the line, indent of what is below)
    waiting = [(graph.root, "", "", "")]
    while waiting:
        own, what, head, indent = waiting.pop()
        node = graph.nodes[own]
        detail = f"  {plain(node.detail)}" if node.detail else ""
        key = f"{plain(what)}: " if what else ""
        again = own in opened and own in beside
        yield f"{head}{key}{plain(node.label)}{detail}{'  (above)' * again}"
        if again:
            continue
        opened.add(own)
        below = beside.get(own, [])
        for index, (child, word) in reversed(list(enumerate(below))):
            last = index == len(below) - 1
            waiting.append(
                (
                    child,
                    word,
                    indent + ("└─ " if last else "├─ "),
                    indent + ("   " if last else "│  "),
                )
            )


def _values(value: Any, indent: str) -> Iterator[str]:
    children = [
        (str(key), child)
        for key, child in (
            value.items() if isinstance(value, dict) else enumerate(value, 1)
        )
        if child not in (None, "", [], {})
    ]
    for index, (key, child) in enumerate(children):
        last = index == len(children) - 1
        head = indent + ("└─ " if last else "├─ ")
        if isinstance(child, dict | list):
            yield f"{head}{plain(key)}"
            yield from _values(child, indent + ("   " if last else "│  "))
        else:
            yield f"{head}{plain(key)}: {plain(child)}"
