"""The run's nodes and artifacts as a picture that fits a phone.

Nodes are on the left from first to last, what they put out is on the right; a line
runs from each artifact to the nodes that read it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from markupsafe import Markup

from pipeline.reports.nodes import Artifact, Node

_ROW, _NODE_WIDTH, _ARTIFACT_X, _WIDTH = 26, 138, 222, 372
_TOP = 6

MAX_NODES = 60


def picture(nodes: Sequence[Node]) -> Markup:
    """The picture; empty without nodes."""
    nodes = nodes[:MAX_NODES]
    if not nodes:
        return Markup("")
    node_rows, artifact_rows, height = _rows(nodes)
    parts = [
        _edge(artifact_rows[artifact.id], node_rows[number])
        for number, node in enumerate(nodes)
        for artifact in node.inputs
        if artifact.id in artifact_rows
    ]
    made = {artifact.id for node in nodes for artifact in node.outputs}
    for artifact in _earlier(nodes, made):
        parts.append(_artifact(artifact, artifact_rows[artifact.id], "earlier"))
    for number, node in enumerate(nodes):
        parts.append(_node(node, node_rows[number]))
        for artifact in node.outputs:
            parts.append(_made(node_rows[number], artifact_rows[artifact.id]))
            look = "cached" if node.state == "CACHED" else ""
            parts.append(_artifact(artifact, artifact_rows[artifact.id], look))
    text = (
        '<svg class="graph" viewBox="0 0 {} {}" role="img" '
        'aria-label="Nodes and artifacts of this run">'
        "<title>Nodes and artifacts of this run</title>{}</svg>"
    )
    return Markup(text).format(_WIDTH, height, Markup("").join(parts))


def _rows(nodes: Sequence[Node]) -> tuple[dict[int, float], dict[str, float], float]:
    """Where each node and each artifact is; a node is beside the first it put out."""
    node_rows: dict[int, float] = {}
    artifact_rows: dict[str, float] = {}
    made = {artifact.id for node in nodes for artifact in node.outputs}
    place = float(_TOP)
    for number, node in enumerate(nodes):
        for each in _earlier([node], made):
            if each.id not in artifact_rows:
                artifact_rows[each.id] = place
                place += _ROW
        node_rows[number] = place
        for each in node.outputs:
            artifact_rows[each.id] = place
            place += _ROW
        place += 8 if node.outputs else _ROW
    return node_rows, artifact_rows, place


def _earlier(nodes: Sequence[Node], made: Collection[str]) -> list[Artifact]:
    """What the nodes read and the run did not make: the champion, above all."""
    read = {a.id: a for node in nodes for a in node.inputs if a.id not in made}
    return list(read.values())


def _node(node: Node, y: float) -> Markup:
    text = (
        '<g class="node {}"><rect x="1" y="{}" width="{}" height="20" rx="4"/>'
        '<text x="9" y="{}">{}</text></g>'
    )
    return Markup(text).format(
        node.state.lower(), y, _NODE_WIDTH, y + 14, _short(node.id, 19)
    )


def _artifact(artifact: Artifact, y: float, look: str = "") -> Markup:
    text = (
        '<g class="artifact {}"><title>{}</title><circle cx="{}" cy="{}" r="4"/>'
        '<text x="{}" y="{}">{}</text></g>'
    )
    return Markup(text).format(
        *(look, f"{artifact.type} {artifact.id}", _ARTIFACT_X, y + 10),
        *(_ARTIFACT_X + 10, y + 14, _short(artifact.key, 20)),
    )


def _made(node_y: float, artifact_y: float) -> Markup:
    """From a node to what it put out."""
    start = _NODE_WIDTH + 1
    return Markup('<path class="made" d="M{} {}C{} {} {} {} {} {}"/>').format(
        *(start, node_y + 10, start + 24, node_y + 10),
        *(start + 20, artifact_y + 10, _ARTIFACT_X - 4, artifact_y + 10),
    )


def _edge(artifact_y: float, node_y: float) -> Markup:
    """From an artifact back to the left, to a node further down that reads it."""
    end = _NODE_WIDTH + 1
    return Markup('<path class="read" d="M{} {}C{} {} {} {} {} {}"/>').format(
        *(_ARTIFACT_X - 4, artifact_y + 10, _ARTIFACT_X - 44, artifact_y + 14),
        *(end + 52, node_y + 12, end, node_y + 14),
    )


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"
