"""The command as a user types it, and what it prints for machines."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import jsonschema
import pytest

from pipeline.lineage.moves import ChampionMoves
from pipeline.registry import decisions
from tests.histories import Spec
from tests.unit.pipeline.registry.serving import Serving

QUESTIONS = (
    ("trace", "run-00002"),
    ("impact", "file-0.csv"),
    ("diff", "/serving/trips/1", "/serving/trips/2"),
    ("runs",),
    ("show", "latest"),
    ("why", "run-00003"),
    ("champion",),
    ("timeline",),
    ("verify", "--all"),
    ("reproduce", "run-00002"),
    ("orphans",),
)


@pytest.fixture
def ask(recorded, tmp_path, repository, capsys, monkeypatch):
    """Asks in this process; gives code, stdout and stderr."""
    from pipeline.commands import console, lineage

    recorded(Spec(at=1_000.0), Spec(code=1, at=90_000.0), Spec(good=False, code=2))
    store = ("--store", str(tmp_path / "metadata.sqlite"))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lineage", *words, *store])
        code = console.run(lineage.lineage_app("local"))
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda words: words[0])
def test_the_json_of_every_question_is_that_of_the_published_schema(
    ask, repository, question
):
    schema = json.loads((repository / "docs" / "lineage.schema.json").read_text())

    code, out, _ = ask(*question, "--output", "json")

    answer = json.loads(out)
    jsonschema.Draft202012Validator(schema).validate(answer)
    assert answer["question"] == question[0]
    assert code == (1 if question[0] == "verify" else 0)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda words: words[0])
@pytest.mark.parametrize("form", ["table", "tree"])
def test_every_question_has_a_table_and_a_tree(ask, question, form):
    _, out, err = ask(*question, "--output", form)

    assert out.strip()
    assert err == ""


def test_only_a_graph_can_be_drawn(ask):
    code, out, err = ask("runs", "--output", "dot")

    assert (code, out) == (2, "")
    assert "trace and impact" in err


def test_an_unknown_form_is_refused_with_the_known_ones(ask):
    code, _, err = ask("runs", "--output", "xml")

    assert code == 2
    assert "table, tree, json, mermaid, dot" in err


def test_a_day_of_champion_is_its_end_and_a_day_of_runs_its_begin(ask):
    _, out, _ = ask("champion", "--at", "1970-01-01", "--output", "json")
    _, runs, _ = ask("runs", "--since", "1970-01-02", "--output", "json")

    assert json.loads(out)["answer"]["champion"]["version"] == "1"
    assert [r["run"] for r in json.loads(runs)["answer"]["runs"]] == [
        "run-00003",
        "run-00002",
    ]


@pytest.mark.parametrize("when", ["yesterday", "2026-13-01", "1"])
def test_what_is_no_date_is_refused_with_an_example(ask, when):
    code, _, err = ask("champion", "--at", when)

    assert code == 2
    assert "expected 2026-11-25" in err


def test_verify_wants_one_model_or_all(ask):
    assert ask("verify")[0] == 2
    assert ask("verify", "run-00002", "--all")[0] == 2


def test_it_answers_without_tensorflow_and_without_ml_metadata(
    recorded, tmp_path, repository
):
    recorded(Spec())
    script = (
        "import sys; sys.argv[1:] = ['trace', 'run-00001', '--store', sys.argv[1]]\n"
        "from pipeline.lineage import __main__ as command\n"
        "code = command.main()\n"
        "heavy = {'tensorflow', 'tfx', 'ml_metadata', 'google.cloud.aiplatform_v1'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "metadata.sqlite")],
        cwd=repository,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )

    assert done.returncode == 0, done.stderr
    assert "/data/in/file-0.csv" in done.stdout


@pytest.mark.parametrize(
    "command",
    [["-m", "pipeline.lineage"], ["local_runner.py", "lineage"]],
    ids=["module", "local_runner"],
)
def test_both_command_lines_have_it(recorded, tmp_path, repository, command):
    recorded(Spec())

    done = subprocess.run(
        [
            *(sys.executable, *command, "champion"),
            *("--store", str(tmp_path / "metadata.sqlite")),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "/serving/trips/1" in done.stdout


@pytest.fixture
def serving(ask, tmp_path):
    """The folder that the runs of the store pushed to."""
    made = Serving(tmp_path / "elsewhere", "trips")
    made.push("1")
    made.push("2")
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as db, db:
        db.execute(
            "update ArtifactProperty set string_value = ? || "
            "substr(string_value, length('/serving/trips') + 1) "
            "where name = 'pushed_destination'",
            (str(made.folder),),
        )
    return made


def rolled_back(ask) -> dict:
    """The answer of `champion`, which is version 1 by ada's word."""
    _, out, _ = ask("champion", "--output", "json")
    answer = json.loads(out)["answer"]
    assert answer["champion"]["version"] == "1"
    assert (answer["by"]["actor"], answer["by"]["reason"]) == (
        "ada",
        "the new one is slow",
    )
    return answer


def test_what_is_served_follows_a_persons_rollback_that_is_not_in_the_store(
    serving, ask
):
    _, before, _ = ask("champion", "--output", "json")
    registry = serving.registry
    registry.carry_out(decisions.rollback(registry, None, "ada", "the new one is slow"))

    assert json.loads(before)["answer"]["champion"]["version"] == "2"
    rolled_back(ask)


def test_years_later_the_store_alone_says_who_rolled_back(serving, ask, tmp_path):
    registry, store = serving.registry, str(tmp_path / "metadata.sqlite")
    registry.carry_out(decisions.rollback(registry, None, "ada", "the new one is slow"))
    ChampionMoves(registry, store, "trips").settle()
    there = rolled_back(ask)

    shutil.rmtree(serving.folder)

    assert rolled_back(ask) == there
    _, out, _ = ask("timeline", "--output", "json")
    [row] = [
        e for e in json.loads(out)["answer"]["events"] if e["what"] == "rolled back to"
    ]
    assert row["detail"] == "1, by ada: the new one is slow"
    assert ask("orphans")[1].count("ChampionMove") == 0


def test_a_move_that_did_not_reach_the_store_comes_with_the_next(
    serving, ask, tmp_path
):
    registry, store = serving.registry, str(tmp_path / "metadata.sqlite")
    registry.carry_out(
        decisions.rollback(registry, None, "bob", "nobody wrote it down")
    )
    registry.carry_out(
        decisions.promotion(registry, "2", "bob", "it was not the model")
    )
    registry.carry_out(decisions.rollback(registry, None, "ada", "the new one is slow"))

    ChampionMoves(registry, store, "trips").settle()
    ChampionMoves(registry, store, "trips").settle()

    shutil.rmtree(serving.folder)
    rolled_back(ask)
    with closing(sqlite3.connect(store)) as db:
        found = db.execute(
            "select p.string_value from Execution e join Type t on t.id = e.type_id "
            "join ExecutionProperty p on p.execution_id = e.id "
            "where t.name = 'ChampionMove' and p.name = 'reason' order by e.id"
        ).fetchall()
    assert found == [
        ("nobody wrote it down",),
        ("it was not the model",),
        ("the new one is slow",),
    ]


def test_a_push_that_waits_for_a_person_is_not_served(recorded):
    from pipeline.lineage import history

    store = recorded(Spec(at=1_000.0), Spec(code=1, at=2_000.0))

    class Waiting:
        """The same store, whose newest push is a candidate."""

        def __getattr__(self, name):
            return getattr(store, name)

        def artifacts(self, *arguments):
            *served, newest = store.artifacts(*arguments)
            properties = {**newest.properties, "champion": 0}
            return [*served, dataclasses.replace(newest, properties=properties)]

    answer = history.champion(Waiting(), "trips")

    assert answer.value["champion"]["version"] == "1"
