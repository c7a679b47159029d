"""What Vertex AI would refuse is refused before anything is compiled."""

from __future__ import annotations

import pytest

from pipeline.config import config
from pipeline.config.vertex import MAX_LABELS
from pipeline.errors import ConfigError


def labels(text: str) -> dict[str, str]:
    sets = (f"vertex.labels={text}",)
    return config.load((), sets, platform="vertex").config.vertex.labels


def test_labels_that_vertex_takes_are_as_they_are_written():
    longest = "a" + "b" * 62

    found = labels(f"{{team: rides, cost_center-1: '007', empty: '', {longest}: x-_}}")

    assert found == {
        "team": "rides",
        "cost_center-1": "007",
        "empty": "",
        longest: "x-_",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{Team: rides}", r"key 'Team': expected .* \('team' would do\)"),
        ("{1team: rides}", r"key '1team': .* \('team' would do\)"),
        ("{'': rides}", r"key '': expected a lower-case letter"),
        (f"{{{'k' * 64}: rides}}", r"key 'k+': .* up to 62 "),
        (
            "{team: New Rides}",
            r"value 'New Rides' of 'team': .* \('new-rides' would do",
        ),
        (f"{{team: {'v' * 64}}}", r"value 'v+' of 'team': expected at most 63 "),
    ],
)
def test_a_label_that_vertex_refuses_is_named_with_what_would_do(text, words):
    with pytest.raises(ConfigError, match=rf"vertex.labels\S* \(--set\): {words}"):
        labels(text)


def test_all_wrong_labels_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        labels("{Team: rides, team: A B}")

    assert "key 'Team'" in str(caught.value)
    assert "value 'A B' of 'team'" in str(caught.value)


def test_there_is_room_for_our_own_labels():
    def many(count: int) -> str:
        return "{" + ", ".join(f"k{number}: v" for number in range(count)) + "}"

    assert len(labels(many(MAX_LABELS))) == MAX_LABELS
    with pytest.raises(ConfigError, match="60 labels, and at most 59 are allowed"):
        labels(many(MAX_LABELS + 1))
