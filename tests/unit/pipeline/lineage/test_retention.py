"""gc drops the payloads of old runs; nobody's lineage, and nothing that is served."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import types
from contextlib import closing
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration.portable import cache_utils

from pipeline.config import config
from pipeline.errors import BusyError
from pipeline.lineage import reproduce, retention, trace, verify
from pipeline.metadata import connections, run_record, sql
from pipeline.registry import decisions
from pipeline.registry.local import LocalRegistry
from pipeline.registry.versions import Move
from pipeline.runs import folder as runs
from tests import histories
from tests.histories import Spec

RUNS = 6


class Root:
    """An output root with the runs of one history, each file of 10 bytes."""

    def __init__(self, folder: Path) -> None:
        sets = [f"output_root={folder}", "pipeline_name=trips"]
        self.folder, self.sets = folder, sets
        self.config = config.load((), sets, platform="local").config
        self.registry = LocalRegistry(self.config.serving_path, "trips")

    @property
    def store(self) -> sql.SqlStore:
        return sql.SqlStore(connections.opened(self.config.metadata_path))

    def retention(self) -> retention.Retention:
        return retention.Retention(self.store, self.config, self.registry)

    def gc(self, keep_last: int, keep_champions: bool = False) -> retention.Plan:
        plan = self.retention().plan(keep_last, keep_champions)
        self.retention().carry_out(plan, keep_last, keep_champions)
        return plan

    def promote(self, number: int) -> None:
        move = decisions.promotion(self.registry, str(number), "ada", "it is better")
        self.registry.carry_out(move)

    def there(self, node: str, output: str) -> list[int]:
        """Runs whose payload of that output is on the disk."""
        folder = Path(self.config.artifacts_path) / node / output
        return sorted(int(name) for name in os.listdir(folder))

    def versions(self) -> list[int]:
        names = os.listdir(self.config.serving_path)
        return sorted(int(name) for name in names if name.isdigit())

    def ask(self, question: str, *values: object) -> list:
        with closing(sqlite3.connect(self.config.metadata_path)) as db, db:
            return db.execute(question, values).fetchall()

    def command(self, *words: str) -> subprocess.CompletedProcess:
        sets = [word for value in self.sets for word in ("--set", value)]
        return subprocess.run(
            [sys.executable, "local_runner.py", "gc", *words, *sets],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def root(empty_store, tmp_path) -> Root:
    """Six runs, each of other data; champions were 1, 3 and now 2."""
    made = Root(tmp_path / "output")
    made.folder.mkdir()
    shutil.copy(empty_store, made.config.metadata_path)
    histories.write(
        histories.open_store(made.config.metadata_path),
        [Spec(files=(n,)) for n in range(RUNS)],
    )
    for table, column, of in (
        ("Artifact", "uri", "/out/trips"),
        ("ArtifactProperty", "string_value", "/serving/trips"),
    ):
        there = made.config.artifacts_path if table == "Artifact" else ""
        there = there or made.config.serving_path
        made.ask(
            f"update {table} set {column} = replace({column}, ?, ?)",
            of,
            there,
        )
    for (uri,) in made.ask("select uri from Artifact"):
        Path(uri).mkdir(parents=True)
        (Path(uri) / "file").write_bytes(b"0123456789")
    for number in range(1, RUNS + 1):
        version = Path(made.config.serving_path) / str(number)
        version.mkdir(parents=True)
        (version / "saved_model.pb").write_bytes(b"0123456789")
        run = made.folder / "runs" / f"run-{number:05d}"
        run.mkdir(parents=True)
        (run / "run.log").write_bytes(b"0123456789")
        (run / "summary.json").write_text("{}")
    for number in (1, 3, 2):
        made.promote(number)
    return made


def test_old_payloads_go_and_the_newest_runs_keep_theirs(root):
    plan = root.gc(2)

    assert plan.runs == ("run-00001", "run-00002", "run-00003", "run-00004")
    assert root.there("ExampleGen", "examples") == [2, 3, 5, 6]
    assert root.there("Pusher", "pushed_model") == [2, 3, 5, 6]
    assert root.versions() == [2, 3, 5, 6]


def test_a_model_that_a_kept_run_was_compared_with_stays(root):
    root.gc(2)

    assert root.there("Trainer", "model") == [2, 3, 4, 5, 6]


def test_the_plan_counts_the_bytes_that_come_free(root):
    before = sum(f.stat().st_size for f in root.folder.rglob("*") if f.is_file())
    database = Path(root.config.metadata_path)
    before -= database.stat().st_size

    plan = root.gc(2)

    after = sum(f.stat().st_size for f in root.folder.rglob("*") if f.is_file())
    assert plan.size == before - (after - database.stat().st_size) > 0


def test_the_champion_and_the_one_before_stay_with_all_that_they_were_made_of(root):
    plan = root.gc(0)

    for node, output in (
        ("ExampleGen", "examples"),
        ("Transform", "transform_graph"),
        ("Trainer", "model"),
        ("Evaluator", "blessing"),
        ("Pusher", "pushed_model"),
    ):
        assert root.there(node, output) == [2, 3]
    assert root.versions() == [2, 3]
    assert set(plan.kept) == {
        "the champion, or made into it",
        "to roll back to, or made into it",
    }


def test_after_gc_a_roll_back_finds_its_version_whole(root):
    root.gc(0)

    move = decisions.rollback(root.registry, None, "ada", "the new one is slow")
    root.registry.carry_out(move)

    assert root.registry.moves()[0].champion == "3"


def test_the_candidate_stays_with_all_that_it_was_made_of(root):
    push = Move(
        action="push",
        before="2",
        champion="2",
        candidate="4",
        actor="run",
        reason="blessed",
    )
    root.registry.carry_out(push)

    root.gc(0)

    assert root.versions() == [2, 3, 4]
    assert root.there("ExampleGen", "examples") == [2, 3, 4]


def test_past_champions_stay_when_that_is_asked_for(root):
    plan = root.gc(0, keep_champions=True)

    assert root.versions() == [1, 2, 3]
    assert root.there("ExampleGen", "examples") == [1, 2, 3]
    assert "was champion, or made into one that was" in plan.kept


def test_without_a_registry_the_newest_push_is_the_champion(root):
    (Path(root.config.serving_path) / "models.config").unlink()

    root.gc(0)

    assert root.versions() == [6]


def test_what_a_kept_run_took_from_the_cache_stays(empty_store, root):
    shutil.copy(empty_store, root.config.metadata_path)
    histories.write(
        histories.open_store(root.config.metadata_path), [Spec(), Spec(code=1)]
    )
    root.ask(
        "update Artifact set uri = replace(uri, '/out/trips', ?)",
        root.config.artifacts_path,
    )

    root.gc(1)

    assert 1 in root.there("ExampleGen", "examples")
    assert 1 in root.there("Transform", "transform_graph")


def test_nothing_outside_of_the_output_root_is_touched(root, tmp_path):
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "file").touch()
    old = Path(root.config.artifacts_path) / "Trainer" / "model"
    shutil.rmtree(old / "1")
    (old / "1").symlink_to(outside)
    root.ask(
        "update Artifact set uri = ? where uri = ?",
        f"{old}/../../../../elsewhere",
        str(old / "4"),
    )

    plan = root.gc(0)

    assert (outside / "file").exists()
    assert plan.kept["outside the output root"] == 2


def test_summary_and_report_of_an_old_run_stay_and_its_log_goes(root):
    root.gc(2)

    old = root.folder / "runs" / "run-00001"
    assert [file.name for file in old.iterdir()] == ["summary.json"]
    assert (root.folder / "runs" / "run-00005" / "run.log").exists()


def test_the_cache_is_not_offered_what_is_gone(root):
    """TFX's own function, on the cache's context of the first run's Trainer."""
    store = run_record.connect(root.config)
    cache = mlmd.Context(name="a cache key")
    cache.type_id = store.put_context_type(mlmd.ContextType(name="execution_cache"))
    [cache.id] = store.put_contexts([cache])
    [model] = store.get_artifacts_by_uri(
        f"{root.config.artifacts_path}/Trainer/model/1"
    )
    events = store.get_events_by_artifact_ids([model.id])
    trainer = min(event.execution_id for event in events)
    association = mlmd.Association(context_id=cache.id, execution_id=trainer)
    store.put_attributions_and_associations([], [association])
    handle = types.SimpleNamespace(store=store)
    assert cache_utils.get_cached_outputs(handle, cache) is not None

    root.gc(2)

    assert cache_utils.get_cached_outputs(handle, cache) is None


def test_trace_and_verify_say_who_deleted_it_and_when(root):
    root.gc(2)

    traced = trace.trace(root.store, "trips", "1")
    checked = verify.verify(root.store, "trips", "1")

    assert traced.value["model"]["state"] == "DELETED"
    assert traced.value["model"]["files"].startswith("deleted by gc on 20")
    states = {row["what"]: row for row in checked.value["rows"]}
    assert states["pushed model"]["state"] == "deleted"
    assert states["examples"]["detail"].startswith("deleted by gc on 20")
    assert "missing" not in {
        row["state"] for row in checked.value["rows"] if row["what"] != "raw file"
    }


def test_a_crash_between_marking_and_deleting_is_made_good_by_the_next(root):
    first = root.retention().plan(2, False)
    retention.mark_deleted(root.config.metadata_path, first.artifacts)

    again = root.gc(2)

    assert again.dropped == first.dropped
    assert root.versions() == [2, 3, 5, 6]
    assert not root.retention().plan(2, False).dropped


def test_a_promotion_after_the_plan_was_shown_stops_it(root):
    plan = root.retention().plan(2, False)
    root.promote(4)

    with pytest.raises(BusyError, match="Nothing was deleted"):
        root.retention().carry_out(plan, 2, False)

    assert root.versions() == [1, 2, 3, 4, 5, 6]


def test_a_pipeline_of_another_name_keeps_its_files(root):
    root.ask("update Context set name = 'rides' where name = 'trips'")
    root.ask("update Context set name = 'rides.x' where name = 'trips.Pusher'")

    done = root.command("--keep-last", "0", "--yes")

    assert done.returncode == 2
    assert "rides" in done.stderr
    assert root.versions() == [1, 2, 3, 4, 5, 6]


def test_the_command_shows_its_plan_and_asks(root):
    looked = root.command("--keep-last", "2", "--dry-run", "--output", "json")
    refused = root.command("--keep-last", "2")
    kept = root.versions()
    done = root.command("--keep-last", "2", "--yes")

    assert looked.returncode == 0
    assert json.loads(looked.stdout)["runs"][0] == "run-00001"
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert kept == [1, 2, 3, 4, 5, 6]
    assert done.returncode == 0, done.stderr
    assert "artifacts that stay:" in done.stdout
    assert root.versions() == [2, 3, 5, 6]


def test_a_root_that_a_run_holds_is_left_alone(root):
    with runs.locked(str(root.folder)):
        done = root.command("--keep-last", "2", "--yes")

    assert done.returncode == 2
    assert "in use" in done.stderr


def test_a_version_that_a_person_pushed_although_refused_stays_while_it_is_served(root):
    """GateOverride made it, in the run that refused it."""
    root.ask("update Type set name = 'GateOverride' where name like '%.Pusher'")
    root.ask("update Context set name = 'trips.GateOverride' where name like '%Pusher'")

    root.gc(0)

    assert root.versions() == [2, 3]
    assert root.there("Trainer", "model") == [2, 3]


def test_what_the_configuration_names_stays(root):
    there = f"{root.config.artifacts_path}/StatisticsGen/statistics/1/file"
    push = {"validation": {"baseline_statistics": there}}
    root.config = root.config.model_copy(
        update={
            "validation": root.config.validation.model_copy(update=push["validation"])
        }
    )

    plan = root.gc(2)

    assert 1 in root.there("StatisticsGen", "statistics")
    assert 1 not in root.there("ExampleGen", "examples")
    assert plan.kept["the configuration names a file of it"] == 1


def test_what_is_in_around_or_behind_a_link_to_what_stays_is_left_alone(root):
    models = Path(root.config.artifacts_path) / "Trainer" / "model"
    inside, link = models / "6" / "inside", models / "link"
    inside.mkdir()
    link.symlink_to(models / "6")
    for uri, number in ((inside, 1), (link, 4)):
        set_uri = "update Artifact set uri = ? where uri = ?"
        root.ask(set_uri, str(uri), str(models / str(number)))
    examples = f"{root.config.artifacts_path}/ExampleGen/examples/4"
    root.ask("update Artifact set uri = ? where uri = ?", str(models), examples)

    plan = root.gc(1)

    assert plan.kept["files that stay are in its folder"] == 3
    assert link.is_symlink()
    assert inside.is_dir()
    assert (models / "6" / "file").exists()


def test_what_was_deleted_by_hand_goes_with_what_is_left_of_it_and_gets_its_date(root):
    """A run noticed that its serving version was removed."""
    shutil.rmtree(Path(root.config.serving_path) / "4")
    copy = f"{root.config.artifacts_path}/Pusher/pushed_model/4"
    root.ask("update Artifact set state = 4 where uri = ?", copy)

    root.gc(2)

    assert 4 not in root.there("Pusher", "pushed_model")
    [row] = [
        row
        for row in verify.verify(root.store, "trips", None).value["rows"]
        if row["path"].endswith("serving/trips/4")
    ]
    assert row["detail"].startswith("deleted by gc on 20")


def test_what_a_node_is_writing_stays(root):
    copy = f"{root.config.artifacts_path}/Pusher/pushed_model/4"
    root.ask("update Artifact set state = 1 where uri = ?", copy)

    root.gc(2)

    assert 4 in root.there("Pusher", "pushed_model")


def test_verify_all_counts_what_gc_dropped_as_deleted_and_not_as_missing(root):
    root.gc(2)

    answer = verify.verify(root.store, "trips", None)

    rows = [row for row in answer.value["rows"] if row["what"] != "raw file"]
    dropped = [row for row in rows if row["state"] == "deleted"]
    assert len(dropped) == 4  # examples and pushed model of runs 1 and 4
    assert all(row["detail"].startswith("deleted by gc on 20") for row in dropped)
    assert "missing" not in {row["state"] for row in rows}


def test_how_to_reproduce_a_model_is_known_when_its_files_are_gone(root):
    before = reproduce.reproduce(root.store, "trips", "1").value
    root.gc(2)

    after = reproduce.reproduce(root.store, "trips", "1").value

    assert after["model"]["files"].startswith("deleted by gc on 20")
    assert {**after, "model": {}} == {**before, "model": {}}


KILLED = """
import os, signal, sys
from pipeline.commands import console
from pipeline.lineage import retention

at, killed = int(sys.argv.pop(1)), []
def remove(place):
    killed.append(place)
    if len(killed) == at:
        for file in [f for f in place.rglob("*") if f.is_file()][:1] or [place]:
            file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    done(place)
done, retention._remove = retention._remove, remove
import local_runner
console.run(local_runner.app)
"""


@pytest.mark.parametrize("at", [1, 3, 9])
def test_killed_in_the_middle_nothing_half_deleted_is_offered_and_the_next_ends_it(
    root, at
):
    words = ["gc", "--keep-last", "2", "--yes"]
    sets = [word for value in root.sets for word in ("--set", value)]
    script = [sys.executable, "-c", KILLED, str(at), *words, *sets]

    killed = subprocess.run(script, capture_output=True)

    assert killed.returncode == -9
    live = root.ask("select uri from Artifact where state = 2")
    assert all((Path(uri) / "file").exists() for (uri,) in live)
    again = root.command("--keep-last", "2", "--yes")
    assert again.returncode == 0, again.stderr
    assert root.versions() == [2, 3, 5, 6]
    assert root.there("ExampleGen", "examples") == [2, 3, 5, 6]
    assert not root.retention().plan(2, False).dropped


def test_a_read_only_store_is_told_and_nothing_is_deleted(root):
    Path(root.config.metadata_path).chmod(0o444)

    done = root.command("--keep-last", "2", "--yes")

    assert done.returncode == 2
    assert "read-only, and gc has to write it" in done.stderr
    assert root.versions() == [1, 2, 3, 4, 5, 6]
