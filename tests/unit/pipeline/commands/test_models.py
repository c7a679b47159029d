"""`model`, as a person types it, on this machine and on Vertex."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from unittest import mock

import pytest
import typer

from pipeline.commands import console, models
from pipeline.gcp.registry import Place, VertexRegistry
from pipeline.lineage import moves
from pipeline.metadata import connections, library, sql
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Origin
from tests.fakes import server, vertex_metadata, vertex_models
from tests.unit.pipeline.registry.serving import Serving


class Here:
    """The local command line, with two versions pushed: 7, then 8."""

    def __init__(self, repository, folder) -> None:
        self.repository = repository
        self.environment = dict(os.environ)
        self.runner, self.sets = "local_runner.py", [f"push.path={folder}"]
        self.serving = Serving(folder, "chicago-taxi")
        self.where = str(folder)
        for number in ("7", "8"):
            self.serving.push(number, run_id=f"run-{number}")
        self.first, self.second = "7", "8"

    @property
    def registry(self):
        return LocalRegistry(self.where, "chicago-taxi")

    def typed(self, *words: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own, as a person does."""
        return subprocess.run(
            [sys.executable, self.runner, *self._words(words)],
            cwd=self.repository,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def model(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same in this process: Google's libraries are slow to load."""
        app = typer.Typer()
        app.add_typer(models.model_app(self.runner.partition("_")[0]), name="model")
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.object(sys, "argv", ["runner", *self._words(words)]),
            mock.patch.dict(os.environ, {"COLUMNS": "120"}),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = console.run(app)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    def _words(self, words) -> list[str]:
        sets = [word for value in self.sets for word in ("--set", value)]
        return ["model", *words, *sets]

    def champion(self) -> str:
        [version] = [v for v in self.registry.versions() if "champion" in v.aliases]
        return version.number


class Cloud(Here):
    """The same on Vertex: versions 1 and 2."""

    def __init__(self, repository, cloud) -> None:
        self.repository = repository
        self.environment = {**os.environ, **cloud.environment}
        self.runner = "vertex_runner.py"
        self.sets = [
            f"vertex.project={server.PROJECT}",
            f"vertex.region={server.REGION}",
            "vertex.model.serving_image=serving@sha256:1a",
        ]
        place = Place(
            project=server.PROJECT,
            region=server.REGION,
            model="chicago-taxi",
            image="serving@sha256:1a",
        )
        self._registry, self.where = VertexRegistry(place), place.name
        for number in ("1", "2"):
            uri, run = f"gs://bucket/{number}", Origin(run_id=f"run-{number}")
            self._registry.push(lambda uri=uri: uri, run, "1a", uri, promote=True)
        self.first, self.second = "1", "2"

    @property
    def registry(self):
        return self._registry


@pytest.fixture
def cloud():
    operations = server.Operations()
    with (
        server.running(
            operations,
            vertex_models.VertexModels(operations),
            vertex_metadata.VertexMetadata(operations),
        ) as cloud,
        cloud.here(),
    ):
        yield cloud


@pytest.fixture(params=["local", "vertex"])
def there(request, repository, tmp_path):
    if request.param == "local":
        return Here(repository, tmp_path / "serving")
    return Cloud(repository, request.getfixturevalue("cloud"))


def test_a_rollback_shows_what_it_changes_and_does_it(there):
    done = there.typed("rollback", "--reason", "complaints", "--by", "bob")

    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert lines[:4] == [
        ["in", there.where],
        ["served", f"version {there.second}, run run-{there.second}"],
        ["then", f"version {there.first}, run run-{there.first}"],
        ["by", "bob: complaints"],
    ]
    assert there.champion() == there.first


def test_a_move_here_is_in_the_metadata_store_at_once(repository, tmp_path):
    here = Here(repository, tmp_path / "serving")
    here.sets.append(f"output_root={tmp_path}")
    store = tmp_path / "metadata.sqlite"
    absent = here.model("rollback", "--reason", "no run was ever here", "--yes")
    assert (absent.returncode, absent.stderr, store.exists()) == (0, "", False)
    library.opened(str(store))

    done = here.model("promote", "8", "--reason", "fixed", "--by", "ann", "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    with contextlib.closing(connections.opened(str(store))) as connection:
        found = moves.of_pipeline(sql.SqlStore(connection), "chicago-taxi")
    assert [(m.action, m.champion, m.reason) for m in found] == [
        ("rollback", "7", "no run was ever here"),
        ("promote", "8", "fixed"),
    ]


def test_a_store_that_cannot_be_written_does_not_hold_up_a_rollback(
    repository, tmp_path
):
    here = Here(repository, tmp_path / "serving")
    here.sets.append(f"output_root={tmp_path}")
    store = tmp_path / "metadata.sqlite"
    store.write_bytes(b"not a database, whoever wrote it")

    done = here.model("rollback", "--reason", "complaints", "--yes")

    assert (done.returncode, here.champion()) == (0, "7")
    assert "the metadata store does not have this move yet" in done.stderr
    assert store.read_bytes() == b"not a database, whoever wrote it"


def test_a_promotion_leaves_who_and_why_in_the_history(there):
    there.model("rollback", "--reason", "complaints", "--by", "bob")

    there.model("promote", there.second, "--reason", "[b]fixed", "--by", "ann", "--yes")

    shown = there.model("history", "--output", "json")
    moves = json.loads(shown.stdout)["moves"]
    assert [(m["action"], m["actor"], m["reason"]) for m in moves[:2]] == [
        ("promote", "ann", "[b]fixed"),
        ("rollback", "bob", "complaints"),
    ]
    table = there.model("history").stdout
    assert f"{there.first} -> {there.second}" in table
    assert "[b]fixed" in table


def test_a_dry_run_changes_nothing(there):
    done = there.model("rollback", "--reason", "complaints", "--dry-run")

    assert "nothing was changed" in done.stdout
    assert there.champion() == there.second
    assert len(there.registry.moves()) == 2


class Terminal(io.StringIO):
    """A person who types this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_a_person_at_a_terminal_is_asked_first(there, monkeypatch, answer, code):
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))

    done = there.model("rollback", "--reason", "complaints")

    assert done.returncode == code, done.stderr
    assert "rollback? [y/N]" in done.stdout
    assert there.champion() == (there.second if answer == "n" else there.first)


def test_versions_are_listed_for_people_and_for_machines(there):
    table = there.model("list").stdout.splitlines()
    listed = json.loads(there.model("list", "--output", "json").stdout)

    assert table[1].split()[:2] == [there.second, "champion"]
    assert [version["number"] for version in listed["versions"]] == [
        there.second,
        there.first,
    ]
    assert listed["schema"] == "millrace-models-1"
    assert listed["versions"][0]["run_id"] == f"run-{there.second}"


def test_a_mistake_ends_with_2_and_changes_nothing(there):
    unknown = there.model("promote", "999", "--reason", "x")
    silent = there.model("promote", there.first)
    empty = there.model("promote", there.first, "--reason", " ")
    again = there.model("promote", there.second, "--reason", "x")

    assert [done.returncode for done in (unknown, silent, empty, again)] == [2] * 4
    assert f"Known: {there.second}, {there.first}" in unknown.stderr
    assert "Missing option '--reason'" in silent.stderr
    assert "say why" in empty.stderr
    assert f"version {there.second} is the champion already" in again.stderr
    assert there.champion() == there.second


def test_without_by_it_is_the_account_that_asks(there):
    there.model("rollback", "--reason", "complaints")

    [actor] = {move.actor for move in there.registry.moves() if move.reason[0] == "c"}
    if isinstance(there, Cloud):
        assert actor == f"tester@{server.PROJECT}.iam.gserviceaccount.com"
    else:
        assert actor


def test_a_busy_service_ends_with_75(repository, cloud):
    there = Cloud(repository, cloud)
    cloud.faults.append(("ListModelVersions", "RESOURCE_EXHAUSTED", "quota"))

    done = there.model("list")

    assert done.returncode == 75, done.stderr
    assert "quota" in done.stderr


def test_on_vertex_without_a_registered_model_the_setting_is_named(repository, cloud):
    there = Cloud(repository, cloud)
    there.sets.pop()

    done = there.model("list")

    assert done.returncode == 2
    assert "--set vertex.model.serving_image=IMAGE" in done.stderr
