"""Answers as text, or as JSON; each form escapes its own way.

table    values as aligned lines and tables
tree     a graph as a tree of lines
drawing  a graph as Mermaid or DOT
"""

from __future__ import annotations

import json
from typing import Literal, get_args

from pipeline.errors import UsageError
from pipeline.lineage.answers import Answer
from pipeline.lineage.render import drawing, table, tree

Form = Literal["table", "tree", "json", "mermaid", "dot"]
FORMS: tuple[Form, ...] = get_args(Form)


def text(answer: Answer, form: str) -> str:
    """The answer in that form.

    Raises:
      UsageError: that is none, or there is no graph to draw in this answer.
    """
    if form not in FORMS:
        raise UsageError(f"--output {form}: expected one of {', '.join(FORMS)}")
    if form == "json":
        return json.dumps(answer.to_dict(), indent=2, ensure_ascii=False)
    if form == "table":
        return table.text(answer)
    if form == "tree":
        return tree.text(answer)
    if answer.graph is None:
        raise UsageError(
            f"--output {form}: {answer.question} has nothing to draw. trace and impact "
            "have; the others take table, tree or json"
        )
    return (
        drawing.mermaid(answer.graph)
        if form == "mermaid"
        else drawing.dot(answer.graph)
    )
