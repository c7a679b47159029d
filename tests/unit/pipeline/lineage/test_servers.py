"""MySQL and PostgreSQL give the same answers as SQLite, to the last character."""

from __future__ import annotations

import shutil

import pytest

from pipeline.errors import UsageError
from pipeline.lineage import diff, history, impact, moves, trace, why
from pipeline.lineage.answers import iso
from pipeline.lineage.moves import ChampionMoves
from pipeline.metadata import connections, library, sql
from pipeline.registry import decisions
from tests import histories
from tests.histories import Spec
from tests.unit.pipeline.registry.serving import Serving

SPECS = (
    Spec(),
    Spec(files=(0, 1), code=1),
    Spec(good=False, code=2),
    Spec(pipeline="penguins"),
    Spec(repush=True),
    Spec(ends_at="Trainer", code=3, dirty=True),
)


@pytest.fixture(scope="module")
def server(database):
    database.empty()
    histories.write(library.opened(database.uri), SPECS)
    return database.uri.partition("?")[0]


@pytest.fixture
def store(server):
    return sql.SqlStore(connections.opened(f"{server}?password=env:MLMD_PASSWORD"))


def answers(store) -> list[dict]:
    return [
        answer.to_dict()
        for answer in (
            history.runs(store, "trips"),
            history.show(store, "trips", "run-00006"),
            history.champion(store, "trips"),
            history.timeline(store, "trips"),
            why.why(store, "trips", "run-00003"),
            trace.trace(store, "trips", "/serving/trips/2"),
            impact.impact(store, "trips", "file-0.csv"),
            impact.impact(store, "trips", "sha256:" + histories.sha("file", 1)),
            diff.diff(store, "trips", "/serving/trips/1", "/serving/trips/2"),
        )
    ]


def test_it_gives_the_answers_of_sqlite(store, empty_store, tmp_path):
    path = str(tmp_path / "metadata.sqlite")
    shutil.copy(empty_store, path)
    histories.write(histories.open_store(path), SPECS)
    sqlite = sql.SqlStore(connections.opened(path))

    assert timeless(answers(store)) == timeless(answers(sqlite))
    assert store.pipelines() == ["trips", "penguins"]


def timeless(value):
    """MLMD stamps its own clock on what it writes."""
    if isinstance(value, dict):
        return {
            key: "" if key in ("made", "at") and child else timeless(child)
            for key, child in value.items()
        }
    return [timeless(child) for child in value] if isinstance(value, list) else value


def test_a_roll_back_is_on_record_in_its_own_words(store, server, tmp_path):
    serving = Serving(tmp_path / "serving", "trips")
    serving.push("1")
    serving.push("2")
    registry, why_ = serving.registry, "C:\\slow 'é' " + "x" * 3000
    registry.carry_out(decisions.rollback(registry, None, "ada", why_))
    uri = f"{server}?password=env:MLMD_PASSWORD"

    ChampionMoves(registry, uri, "trips").settle()
    ChampionMoves(registry, uri, "trips").settle()

    [move] = moves.of_pipeline(store, "trips")
    assert (move.champion, move.actor, move.reason) == ("1", "ada", why_)


def test_it_is_opened_to_be_read(store):
    with pytest.raises(UsageError, match=r"(?i)read.only"):
        store._ask("delete from MLMDEnv where schema_version = ? returning 1", 1)


def test_a_wrong_password_is_told_without_it(server, monkeypatch):
    monkeypatch.setenv("MLMD_PASSWORD", "wr0ng-password")
    with pytest.raises(UsageError) as error:
        connections.opened(f"{server}?password=env:MLMD_PASSWORD")

    assert f"{server}: cannot be reached" in str(error.value)
    assert "wr0ng" not in str(error.value)


def test_a_time_that_is_none_is_left_out():
    assert iso("") == ""
