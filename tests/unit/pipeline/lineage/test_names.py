"""Which model, run or data is meant: by every name it has, and never a wrong one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from pipeline import content
from pipeline.errors import UsageError
from pipeline.lineage import diff, history, impact, names, trace, verify, why
from pipeline.lineage.render import FORMS, text
from pipeline.registry.versions import Move
from tests.histories import Spec, sha


def edit(tmp_path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as db, db:
        assert db.execute(statement, values).rowcount > 0


@pytest.fixture
def pushed(recorded, tmp_path):
    """A store whose one push is a real folder, and that folder."""
    store = recorded(Spec())
    folder = tmp_path / "serving" / "1"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"model")
    (folder / "variables" / "data").write_bytes(b"weights")
    found = content.of_folder(str(folder))
    set_property(tmp_path, "content", content.text(found))
    set_property(tmp_path, "content_sha256", content.digest(found))
    set_property(tmp_path, "pushed_destination", str(folder))
    edit(
        tmp_path,
        "update Artifact set uri = ? where uri like '%/pushed_model/%'",
        str(folder),
    )
    return store, folder


def set_property(tmp_path, name: str, value: str) -> None:
    edit(
        tmp_path,
        "update ArtifactProperty set string_value = ? where name = ?",
        value,
        name,
    )


@pytest.mark.parametrize("name", ["/serving/trips/1", "/serving/trips/1/", "run-00001"])
def test_a_push_is_found_by_folder_and_run(recorded, name):
    store = recorded(Spec())

    found = names.model(store, "trips", name).artifact

    assert found.text("pushed_version") == "1"
    assert found.type == "PushedModel"


def test_a_push_is_found_by_its_id_uri_and_the_beginning_of_its_digest(recorded):
    store = recorded(Spec())
    push = names.model(store, "trips", "run-00001").artifact

    for name in (
        push.id,
        push.uri,
        sha("trips", (0,), 0)[:10],
        f"sha256:{sha('trips', (0,), 0)}",
    ):
        assert names.model(store, "trips", name).artifact.id == push.id


def test_a_run_that_pushed_nothing_is_its_trained_model(recorded):
    store = recorded(Spec(good=False))

    assert names.model(store, "trips", "run-00001").artifact.type == "Model"


def test_the_latest_model_is_that_of_the_newest_run(recorded):
    store = recorded(Spec(), Spec(), Spec(pipeline="others"))

    found = names.model(store, "trips", "latest").artifact

    assert found.id == names.model(store, "trips", "run-00002").artifact.id


def test_a_newest_run_without_a_model_is_said_to_have_none(recorded):
    store = recorded(Spec(), Spec(ends_at="Trainer", code=1))

    with pytest.raises(UsageError, match=r"run run-00002 made no model\. Newest:"):
        names.model(store, "trips", "latest")


def test_an_unknown_model_is_told_with_the_newest_ones(recorded):
    store = recorded(Spec())

    with pytest.raises(UsageError) as error:
        names.model(store, "trips", "/nowhere/7")

    assert "has no model '/nowhere/7'" in str(error.value)
    assert "PushedModel  /serving/trips/1" in str(error.value)


def test_a_copy_elsewhere_is_found_by_its_content_and_that_is_said(pushed, tmp_path):
    store, folder = pushed
    copy = tmp_path / "laptop" / "model"
    copy.parent.mkdir()
    folder.rename(copy)

    found = trace.trace(store, "trips", str(copy))

    assert found.value["model"]["version"] == "1"
    assert found.notes == (f"{copy} is a copy of what was pushed to {folder}",)


def test_a_copy_that_was_changed_is_no_model(pushed, tmp_path):
    store, folder = pushed
    copy = folder.rename(tmp_path / "copy")
    (copy / "saved_model.pb").write_bytes(b"other")

    with pytest.raises(UsageError, match="has no model"):
        names.model(store, "trips", str(copy))


def test_two_models_of_the_same_content_are_told_apart_by_the_user(recorded):
    store = recorded(Spec(), Spec(repush=True))

    with pytest.raises(UsageError) as error:
        names.model(store, "trips", sha("trips", (0,), 0))

    assert "may be 2 models" in str(error.value)
    assert "/serving/trips/1" in str(error.value)
    assert "/serving/trips/2" in str(error.value)
    assert names.model(store, "trips", "/serving/trips/2").artifact


def test_a_beginning_of_several_runs_is_ambiguous(recorded):
    store = recorded(Spec(), Spec())

    with pytest.raises(UsageError, match="may be 2 runs: run-00001, run-00002"):
        names.run(store, "trips", "run-0000")
    assert names.run(store, "trips", "latest").id == "run-00002"


def test_an_unknown_run_is_told_with_the_newest_first(recorded):
    store = recorded(Spec(), Spec())

    with pytest.raises(UsageError, match="Newest: run-00002, run-00001"):
        names.run(store, "trips", "yesterday")


def test_pipelines_in_one_store_are_never_mixed(recorded):
    store = recorded(
        Spec(), Spec(pipeline="penguins"), Spec(pipeline="penguins", code=1)
    )

    assert len(history.runs(store, "trips").value["runs"]) == 1
    assert impact.impact(store, "trips", "file-0.csv").value["learned"] == 1
    assert impact.impact(store, "penguins", "file-0.csv").value["learned"] == 2
    for name in ("/serving/penguins/2", "run-00002"):
        with pytest.raises(UsageError, match="pipeline trips has no"):
            names.model(store, "trips", name)
    with pytest.raises(UsageError, match="has no run"):
        names.run(store, "trips", "run-00002")


@pytest.mark.parametrize("find", [names.run, names.model])
def test_a_run_of_another_pipeline_is_told_with_its_pipeline(recorded, find):
    """As a sample's runs are: they lie under a name of their own."""
    store = recorded(Spec(), Spec(pipeline="trips-sample"))

    words = (
        r"'run-00002': it is a run of pipeline trips-sample \(--pipeline trips-sample"
    )
    with pytest.raises(UsageError, match=words):
        find(store, "trips", "run-00002")


def test_of_several_pipelines_one_must_be_named(recorded):
    store = recorded(Spec(), Spec(pipeline="penguins"))

    with pytest.raises(UsageError, match="--pipeline: trips, penguins"):
        names.pipeline(store, None, "taxi")
    assert names.pipeline(store, "penguins", "trips") == "penguins"


def test_the_only_pipeline_needs_no_name(recorded):
    assert names.pipeline(recorded(Spec()), None, "taxi") == "trips"


def test_a_wrong_pipeline_is_not_replaced_by_the_only_one(recorded):
    with pytest.raises(UsageError, match="no pipeline 'taxi'"):
        names.pipeline(recorded(Spec()), "taxi", "trips")


@pytest.mark.parametrize("name", ["span:2", "sha256:" + sha("file", 2), "file-2.csv"])
def test_data_is_found_by_span_digest_and_name(recorded, name):
    store = recorded(Spec(), Spec(files=(2,)))

    assert impact.impact(store, "trips", name).value["learned"] == 1


def test_unknown_data_is_told_with_what_there_is(recorded):
    store = recorded(Spec(files=(3,)))

    with pytest.raises(UsageError, match=r"Newest: /data/in/file-3.csv"):
        impact.impact(store, "trips", "file-7.csv")


def test_a_percent_sign_is_not_every_file(recorded):
    with pytest.raises(UsageError, match="learned from no data"):
        impact.impact(recorded(Spec()), "trips", "%.csv")


@pytest.fixture
def raw(recorded, tmp_path):
    """A store of one raw file that is really there, and the file."""
    store = recorded(Spec())
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "file-0.csv").write_bytes(b"a,b\n1,2\n")
    listed = [{"name": "file-0.csv", **content.of_file(str(folder / "file-0.csv"))}]
    set_property(tmp_path, "files", json.dumps(listed))
    set_property(tmp_path, "files_root", str(folder))
    return store, folder / "file-0.csv"


def test_a_file_that_moved_is_found_by_its_content_and_that_is_said(raw, tmp_path):
    store, file = raw
    moved = file.rename(tmp_path / "elsewhere.csv")

    found = impact.impact(store, "trips", str(moved))

    assert found.value["learned"] == 1
    assert found.notes == (
        f"{moved} was found by its content; it was read from {file}",
    )


def states(answer) -> dict[str, str]:
    return {row["what"]: row["state"] for row in answer.value["rows"]}


def test_verify_finds_a_raw_file_that_moved(raw, tmp_path):
    store, file = raw
    (tmp_path / "archive").mkdir()
    file.rename(tmp_path / "archive" / "old.csv")

    lost = verify.verify(store, "trips", "run-00001")
    found = verify.verify(store, "trips", "run-00001", [str(tmp_path / "archive")])

    assert states(lost)["raw file"] == "missing"
    assert states(found)["raw file"] == "moved"
    assert "archive/old.csv" in str(found.value["rows"])


def test_verify_finds_a_raw_file_of_the_same_size_that_changed(raw):
    store, file = raw
    assert states(verify.verify(store, "trips", "run-00001"))["raw file"] == "intact"
    file.write_bytes(b"a,b\n1,3\n")

    answer = verify.verify(store, "trips", "run-00001")

    assert states(answer)["raw file"] == "changed"
    assert not answer.good


def test_verify_says_which_file_of_a_pushed_model_changed(pushed):
    store, folder = pushed
    assert states(verify.verify(store, "trips", "1"))["pushed model"] == "intact"
    (folder / "variables" / "data").write_bytes(b"Weights")
    (folder / "new").touch()
    (folder / "saved_model.pb").unlink()

    [row, *_] = verify.verify(store, "trips", str(folder)).value["rows"]

    assert row["state"] == "changed"
    assert row["detail"] == (
        "variables/data differs, saved_model.pb is missing, new is new"
    )


def test_a_registrys_note_beside_the_model_changes_nothing(pushed):
    store, folder = pushed
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "millrace.json").write_text("{}")

    answer = verify.verify(store, "trips", str(folder))

    assert states(answer)["pushed model"] == "intact"


def test_the_order_is_that_of_writing_when_the_clock_went_backwards(recorded):
    store = recorded(
        Spec(at=2_000.0), Spec(code=1, at=3_000.0), Spec(code=2, at=1_000.0)
    )

    runs = history.runs(store, "trips")
    now = history.champion(store, "trips")
    then = history.champion(store, "trips", 2_500.0)

    assert [r["run"] for r in runs.value["runs"]] == [
        "run-00003",
        "run-00002",
        "run-00001",
    ]
    assert now.value["champion"]["version"] == "3"
    assert then.value["champion"]["version"] == "3"
    assert any("clock went backwards" in note for note in runs.notes + now.notes)


def test_nothing_was_served_before_the_first_push(recorded):
    answer = history.champion(recorded(Spec()), "trips", 5.0)

    assert answer.value["champion"] == {}
    assert answer.notes == ("nothing was pushed until then",)


def moved(version: str, at: float, action: str = "rollback") -> Move:
    return Move(
        action=action,
        before="2",
        champion=version,
        candidate="",
        actor="ada",
        reason="the new one is slow",
        at=at,
    )


def test_a_registrys_move_overrules_the_pushes_before_it(recorded):
    store = recorded(Spec(at=1_000.0), Spec(code=1, at=2_000.0))
    back = moved("1", 2_500.0)

    before = history.champion(store, "trips", 2_100.0, [back])
    after = history.champion(store, "trips", None, [back])

    assert before.value["champion"]["version"] == "2"
    assert after.value["champion"]["version"] == "1"
    assert after.value["by"]["reason"] == "the new one is slow"


def test_impact_calls_the_same_push_the_champion(recorded):
    store = recorded(Spec(at=1_000.0), Spec(code=1, at=2_000.0))
    back = moved("1", 2_500.0)

    answer = impact.impact(store, "trips", "file-0.csv", [back])

    champions = [m["run"] for m in answer.value["models"] if m["champion"]]
    assert champions == ["run-00001"]


def test_the_timeline_has_each_move_in_its_place(recorded):
    store = recorded(Spec(at=1_000.0), Spec(code=1, at=2_000.0), Spec(code=2, at=3e3))
    moves = [
        moved("1", 2_500.0),
        moved("2", 9e9, "promote"),
        moved("3", 9e9, "override"),
    ]

    events = history.timeline(store, "trips", moves=moves).value["events"]

    shown = [(e["what"], e["detail"]) for e in events if e["what"] != "trained"]
    assert [words for words in shown if words[0] != "blessed"] == [
        ("pushed", "1"),
        ("pushed", "2"),
        ("rolled back to", "1, by ada: the new one is slow"),
        ("pushed", "3"),
        ("promoted", "2, by ada: the new one is slow"),
    ]
    [first, *_] = [e for e in events if e["what"] == "pushed"]
    [back] = [e for e in events if e["what"] == "rolled back to"]
    assert back["artifact"] == first["artifact"]


EVIL = '<script>alert(1)</script>"];\n../../etc/passwd\x1b[31m|x'


@pytest.mark.parametrize("form", FORMS)
def test_no_name_of_an_artifact_breaks_out_of_its_place(recorded, tmp_path, form):
    store = recorded(Spec())
    edit(
        tmp_path,
        "update Artifact set uri = ? where uri like '%/model/%'",
        EVIL,
    )

    shown = text(trace.trace(store, "trips", "run-00001"), form)

    assert "\x1b" not in shown
    if form == "json":
        assert EVIL in json.dumps(
            json.loads(shown), ensure_ascii=False
        ).encode().decode("unicode_escape")
        return
    assert "\n../../etc" not in shown
    if form == "mermaid":
        assert "<script>" not in shown
        assert '"]' not in shown.replace('"])', "").replace('"]\n', "\n")
    if form == "dot":
        assert '"];\\n' not in shown
        assert '\\"];' in shown


def test_verify_does_not_follow_a_name_out_of_the_folder(pushed, tmp_path):
    store, folder = pushed
    secret = tmp_path / "secret"
    secret.write_text("s")
    recorded_ = {"../../secret": content.of_file(str(secret))}
    set_property(tmp_path, "content", content.text(recorded_))

    [row, *_] = verify.verify(store, "trips", str(folder)).value["rows"]

    assert "../../secret is missing" in row["detail"]


def test_a_push_after_a_registrys_move_overrules_it(recorded):
    store = recorded(Spec(at=1_000.0), Spec(code=1, at=2_000.0))
    back = moved("1", 1_500.0)

    answer = history.champion(store, "trips", None, [back])

    assert answer.value["champion"]["version"] == "2"
    assert answer.value["by"] == "push"


def test_a_baseline_that_was_looked_up_is_no_output_of_the_run(recorded):
    store = recorded(Spec(), Spec(good=False, code=1))

    found = names.model(store, "trips", "run-00002").artifact

    assert found.uri == "/out/trips/Trainer/model/2"


def test_what_another_pipeline_made_of_shared_data_is_not_counted(recorded, tmp_path):
    store = recorded(Spec(), Spec(pipeline="penguins", code=1))
    edit(
        tmp_path,
        "insert into Event (artifact_id, execution_id, type) "
        "select a.id, e.id, 3 from Artifact a, Execution e "
        "join Type t on t.id = e.type_id and t.name like '%.Trainer' "
        "where a.uri = '/out/trips/ExampleGen/examples/1' and e.id > 9",
    )

    answer = impact.impact(store, "trips", "file-0.csv")

    assert [m["run"] for m in answer.value["models"]] == ["run-00001"]


def test_who_asks_for_a_deletion_hears_of_the_other_pipelines_that_learned(recorded):
    store = recorded(Spec(), Spec(pipeline="penguins", files=(0, 1)))

    [note] = impact.impact(store, "trips", "file-0.csv").notes

    assert note.startswith("pipeline penguins learned from data of that name")
    with pytest.raises(UsageError, match=r"But pipeline penguins learned.*--pipeline"):
        impact.impact(store, "trips", "file-1.csv")


def test_a_text_is_looked_for_as_it_is(recorded):
    store = recorded(Spec())

    assert store.containing("trips", "Examples", "files", "file-0.csv")
    assert not store.containing("trips", "Examples", "files", "file_0.csv")
    assert not store.containing("trips", "Examples", "files", "f%0.csv")


def test_a_models_verdict_is_its_own_and_not_that_of_whom_it_was_a_baseline(recorded):
    store = recorded(Spec(), Spec(good=False, code=1))
    [model, _] = store.artifacts("trips", "Model")

    assert trace.trace(store, "trips", model.uri).value["verdict"]["word"] == "BLESSED"


@pytest.fixture
def noted(pushed, tmp_path):
    """A push with the manifest that is on record, and its folder."""
    store, folder = pushed
    note = folder / content.NOTE
    note.parent.mkdir()
    note.write_text("what it was made of")
    [push] = store.artifacts("trips", "PushedModel")
    edit(
        tmp_path,
        "insert or replace into ArtifactProperty "
        "(artifact_id, name, is_custom_property, string_value) values (?, ?, 1, ?)",
        int(push.id),
        "manifest_sha256",
        content.of_file(str(note))["sha256"],
    )
    return store, folder


def test_a_copy_that_was_changed_is_known_by_its_manifest_and_not_intact(
    noted, tmp_path
):
    store, folder = noted
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "saved_model.pb").write_bytes(b"other")

    answer = verify.verify(store, "trips", str(copy))

    assert answer.notes == (
        f"{copy} is a CHANGED copy, by its manifest of what was pushed to {folder}",
    )
    assert states(answer)["pushed model"] == "intact"
    assert states(answer)["the copy"] == "changed"
    assert not answer.good


def test_a_copy_that_is_as_it_was_pushed_is_intact(noted, tmp_path):
    store, folder = noted
    copy = shutil.copytree(folder, tmp_path / "copy")

    answer = verify.verify(store, "trips", str(copy))

    assert states(answer)["the copy"] == "intact"
    assert "the copy" not in states(verify.verify(store, "trips", str(folder)))


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda file: file.write_text("what it was made 0f"), "differs"),
        (lambda file: file.unlink(), "is missing"),
    ],
)
def test_verify_holds_the_manifest_against_the_digest_on_record(noted, change, detail):
    store, folder = noted
    assert states(verify.verify(store, "trips", "1"))["pushed model"] == "intact"
    change(folder / content.NOTE)

    [row, *_] = verify.verify(store, "trips", "1").value["rows"]

    assert (row["state"], row["detail"]) == ("changed", f"{content.NOTE} {detail}")


@pytest.mark.parametrize("name", ["span:" + "9" * 23, "9" * 23, "span:²"])
def test_a_number_that_no_store_counts_up_to_is_no_data(recorded, name):
    with pytest.raises(UsageError, match="learned from no data"):
        impact.impact(recorded(Spec()), "trips", name)


def test_a_time_is_written_as_a_time_wherever_it_came_from(recorded, tmp_path):
    store = recorded(Spec(at=1_000.0))
    told = [{"channel": "mail", "kind": "smtp", "outcome": "sent", "at": 1_000.0}]
    edit(
        tmp_path,
        "insert or replace into ContextProperty (context_id, name, is_custom_property, "
        "string_value) select id, 'told', 1, ? from Context where name = 'run-00001'",
        json.dumps(told),
    )

    shown = history.show(store, "trips", "latest").value["told"]
    by = history.champion(store, "trips", None, [moved("1", 2e3)])

    assert [delivery["at"] for delivery in shown] == ["1970-01-01T00:16:40Z"]
    assert by.value["by"]["at"] == "1970-01-01T00:33:20Z"


def test_a_run_that_took_its_model_from_the_cache_says_whose_it_is(recorded):
    store = recorded(Spec(good=False), Spec(good=False))

    first = trace.trace(store, "trips", "run-00001")
    second = trace.trace(store, "trips", "run-00002")

    assert first.notes == ()
    assert second.notes == (
        "run run-00002 took this model from the cache; run run-00001 made it",
    )


def test_a_node_that_only_one_model_went_through_differs_in_one_line(recorded):
    store = recorded(Spec())
    [trained] = store.artifacts("trips", "Model")

    found = diff.diff(store, "trips", "/serving/trips/1", trained.id).value["differs"]

    assert [row["what"] for row in found["code"]] == ["Evaluator", "Pusher"]
    assert [row["b"] for row in found["code"]] == [None, None]


def test_why_says_that_a_run_was_cut_off_and_where(recorded):
    store = recorded(Spec(ends_at="Trainer", cut_off=True))

    found = why.why(store, "trips", "latest").value

    assert found["outcome"] == "CUT OFF"
    [because] = found["because"]
    assert because.startswith("no end is on record; it came to Trainer. ")


def test_a_reason_of_several_lines_is_read_line_by_line(recorded, tmp_path):
    store = recorded(Spec(ends_at="Trainer"))
    edit(
        tmp_path,
        "insert or replace into ContextProperty (context_id, name, is_custom_property, "
        "string_value) select id, 'reasons', 1, ? from Context where name='run-00001'",
        json.dumps(["2 anomalies:\n  fare is text\n  tips are gone"]),
    )

    shown = text(why.why(store, "trips", "latest"), "table")

    assert "\n  2 anomalies:\n    fare is text\n    tips are gone\n" in shown
