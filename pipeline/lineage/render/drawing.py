"""A graph as Mermaid or DOT text; names in it can break neither."""

from __future__ import annotations

from pipeline.lineage.answers import Graph
from pipeline.lineage.render.table import plain

_MERMAID = {"artifact": ("([", "])"), "execution": ("[", "]"), "file": ("[/", "/]")}
_DOT = {"artifact": "ellipse", "execution": "box", "file": "note"}


def mermaid(graph: Graph) -> str:
    """As GitHub and GitLab draw it in Markdown."""
    own = {name: f"n{number}" for number, name in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes.values():
        left, right = _MERMAID[node.kind]
        words = "<br/>".join(map(_entities, filter(None, (node.label, node.detail))))
        lines.append(f'  {own[node.id]}{left}"{words}"{right}')
    for source, target, what in graph.edges:
        arrow = f'-- "{_entities(what)}" -->' if what else "-->"
        lines.append(f"  {own[source]} {arrow} {own[target]}")
    return "\n".join(lines)


def dot(graph: Graph) -> str:
    """As Graphviz reads it."""
    own = {name: f"n{number}" for number, name in enumerate(graph.nodes)}
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for node in graph.nodes.values():
        words = "\\n".join(map(_quoted, filter(None, (node.label, node.detail))))
        lines.append(f'  {own[node.id]} [shape={_DOT[node.kind]}, label="{words}"];')
    for source, target, what in graph.edges:
        label = f' [label="{_quoted(what)}"]' if what else ""
        lines.append(f"  {own[source]} -> {own[target]}{label};")
    return "\n".join([*lines, "}"])


def _entities(words: str) -> str:
    """Whatever is not plainly harmless as an entity: Mermaid reads HTML in labels."""
    safe = " .,-_/:=+@()"
    return "".join(
        c if c.isalnum() or c in safe else f"#{ord(c)};" for c in plain(words)
    )


def _quoted(words: str) -> str:
    return plain(words).replace("\\", "\\\\").replace('"', '\\"')
