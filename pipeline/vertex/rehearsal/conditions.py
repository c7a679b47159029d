"""Whether a task is triggered: the part of CEL that TFX compiles its conditions to."""

from __future__ import annotations

import re
from typing import Any

from pipeline.errors import UsageError
from pipeline.vertex.rehearsal.outputs import Artifacts

_ATOM = re.compile(
    r"inputs\.artifacts\['([^']+)'\]\.artifacts\[0\]\.metadata\['([^']+)'\]"
    r"\s*(==|<|>)\s*('[^']*'|[-\d.]+)"
)


def holds(condition: str, inputs: Artifacts) -> bool:
    """Whether a trigger's condition is met.

    Args:
      condition: comparisons of metadata, with !, && and ||.
      inputs: of the task; keys may carry TFX's prefix `_NODE.`.

    Raises:
      UsageError: it says more than that.
    """

    def verdict(found: re.Match[str]) -> str:
        artifacts = inputs.get(found[1], [])
        seen = artifacts[0].metadata.get(found[2]) if artifacts else None
        wanted: Any = found[4].strip("'") if found[4][0] == "'" else float(found[4])
        if seen is None:
            return "False"
        compared = {"==": seen == wanted, "<": seen < wanted, ">": seen > wanted}
        return str(compared[found[3]])

    text = _ATOM.sub(verdict, condition)
    words = text.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    if not re.fullmatch(r"(True|False|and|or|not|[()\s])+", words):
        raise UsageError(f"a rehearsal cannot decide the condition {condition}")
    return bool(eval(words, {"__builtins__": {}}))  # nothing but the words above
