"""What earlier rehearsals left answers the resolvers."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.vertex.rehearsal.outputs import Artifact
from pipeline.vertex.rehearsal.store import Store


def model(name: str, **metadata) -> Artifact:
    return Artifact(name, "tfx.Model", f"/{name}", metadata)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "out" / "rehearsal.jsonl")
    store.add("r1", "Trainer", {"model": [model("old", blessed=1.0)]})
    store.add("r2", "Trainer", {"model": [model("new", blessed=0.0)]})
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('schema_title="tfx.Model" AND state=LIVE', ["new"]),
        ('schema_title="tfx.Model" AND metadata.blessed.number_value=1', ["old"]),
        ('name="old"', ["old"]),
        ('schema_title="tfx.Schema"', []),
        ("metadata.missing.number_value=1", []),
    ],
)
def test_the_newest_that_a_query_finds(store, query, expected):
    found = store.resolved({"key": query}, {})

    assert [each.name for each in found["key"]] == expected


def test_a_query_may_name_what_another_found(store):
    query = "name=\"{{$.inputs.artifacts['model'].metadata['of']}}\""
    queries = {"key": query}

    found = store.resolved(queries, {"model": [model("m", of="old")]})
    nothing = store.resolved(queries, {"model": []})

    assert [each.name for each in found["key"]] == ["old"]
    assert nothing == {"key": []}


def test_a_question_that_is_not_on_record_is_said(store):
    with pytest.raises(UsageError, match="a resolver asks for 'create_time'"):
        store.resolved({"key": "create_time=3"}, {})
