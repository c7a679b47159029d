"""Conditions of a task, decided as Vertex would."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.vertex.rehearsal.conditions import holds
from pipeline.vertex.rehearsal.outputs import Artifact

BLESSING = Artifact("b", "tfx.ModelBlessing", "/b", {"blessed": 1.0, "name": "x"})
BLESSED = {"E.blessing": [BLESSING]}
TERM = "inputs.artifacts['E.blessing'].artifacts[0].metadata['blessed'] == 1.0"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (TERM, True),
        (f"({TERM})", True),
        (f"!({TERM})", False),
        (TERM.replace("1.0", "0.0"), False),
        (TERM.replace("==", ">").replace("1.0", "0.5"), True),
        (f"({TERM}) && !({TERM})", False),
        (f"({TERM}) || !({TERM})", True),
        (TERM.replace("blessed'] == 1.0", "name'] == 'x'"), True),
        (TERM.replace("blessed'", "missing'"), False),
    ],
)
def test_a_condition_is_decided_from_the_metadata(condition, expected):
    assert holds(condition, BLESSED) is expected


def test_a_condition_that_says_more_is_refused():
    with pytest.raises(UsageError, match="cannot decide the condition"):
        holds("size(inputs.artifacts) > 1", BLESSED)
