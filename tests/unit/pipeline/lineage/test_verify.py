"""Are the bytes still those that were recorded? Files here, digests in the store."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline import content
from pipeline.lineage import verify
from tests.histories import Spec


class Root:
    """A run whose raw file, examples and pushed version are on the disk."""

    def __init__(self, folder: Path, store) -> None:
        self.folder, self.store = folder, store
        self.version, self.copy = folder / "serving" / "1", folder / "copy"
        self.examples, self.data = folder / "examples", folder / "data"
        for place in (self.version, self.copy, self.examples, self.data):
            place.mkdir(parents=True)
            (place / "one").write_bytes(b"0123456789")
            (place / "two").write_bytes(b"abcdefghij")
        (self.data / "two").unlink()
        self._describe("PushedModel", self.copy)
        self._describe("Examples", self.examples)
        self._set("PushedModel", "pushed_destination", str(self.version))
        self._set("Examples", "files_root", str(self.data))
        raw = {"name": "one", **content.of_file(str(self.data / "one"))}
        self._set("Examples", "files", json.dumps([raw]))

    def _describe(self, type_: str, place: Path) -> None:
        found = content.of_folder(str(place))
        self._ask(
            "update Artifact set uri = ? where id in (select a.id from Artifact a join "
            "Type t on t.id = a.type_id where t.name = ?)",
            str(place),
            type_,
        )
        self._set(type_, "content", content.text(found))

    def _set(self, type_: str, name: str, value: str) -> None:
        self._ask(
            "insert or replace into ArtifactProperty (artifact_id, name, "
            "is_custom_property, string_value) select a.id, ?, 1, ? from Artifact a "
            "join Type t on t.id = a.type_id where t.name = ?",
            name,
            value,
            type_,
        )

    def _ask(self, question: str, *values: str) -> None:
        path = self.folder / "metadata.sqlite"
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(question, values)

    def mark_deleted(self, type_: str) -> None:
        self._ask(
            "update Artifact set state = 4 where id in (select a.id from Artifact a "
            "join Type t on t.id = a.type_id where t.name = ?)",
            type_,
        )

    def verify(self, *data: str):
        answer = verify.verify(self.store, "trips", "1", data)
        return answer, {row["what"]: row for row in answer.value["rows"]}


@pytest.fixture
def root(recorded, tmp_path) -> Root:
    return Root(tmp_path, recorded(Spec()))


def test_untouched_files_are_intact(root):
    answer, rows = root.verify()

    assert answer.good
    assert {what: row["state"] for what, row in rows.items()} == {
        "pushed model": "intact",
        "its copy in the artifacts": "intact",
        "examples": "intact",
        "raw file": "intact",
    }
    assert answer.value["checked"] == 4


def test_a_byte_that_differs_with_the_same_size_is_found_and_named(root):
    (root.version / "one").write_bytes(b"0123456780")

    answer, rows = root.verify()

    assert not answer.good
    assert answer.value["not_intact"] == 1
    assert rows["pushed model"]["state"] == "changed"
    assert rows["pushed model"]["detail"] == "one differs"
    assert rows["its copy in the artifacts"]["state"] == "intact"


def test_a_file_too_few_or_too_many_is_named(root):
    (root.copy / "two").unlink()
    (root.examples / "three").touch()

    _, rows = root.verify()

    assert rows["its copy in the artifacts"]["detail"] == "two is missing"
    assert rows["examples"]["detail"] == "three is new"


def test_a_folder_that_is_gone_is_missing(root):
    shutil.rmtree(root.version)

    answer, rows = root.verify()

    assert not answer.good
    assert rows["pushed model"]["state"] == "missing"


def test_what_was_deleted_on_purpose_is_no_fault(root):
    shutil.rmtree(root.examples)
    root.mark_deleted("Examples")

    answer, rows = root.verify()

    assert answer.good
    assert rows["examples"]["state"] == "deleted"
    assert "it is not on record when" in rows["examples"]["detail"]


def test_a_raw_file_with_another_name_or_place_has_moved(root):
    (root.data / "one").rename(root.data / "renamed")
    _, rows = root.verify()
    elsewhere = root.folder / "elsewhere"
    elsewhere.mkdir()
    (root.data / "renamed").rename(elsewhere / "one")

    lost, without = root.verify()
    found, told = root.verify(str(elsewhere))

    assert rows["raw file"]["state"] == "moved"
    assert str(root.data / "renamed") in rows["raw file"]["detail"]
    assert (lost.good, without["raw file"]["state"]) == (False, "missing")
    assert (found.good, told["raw file"]["state"]) == (True, "moved")


def test_a_raw_file_with_other_bytes_has_changed(root):
    (root.data / "one").write_bytes(b"0123456780")

    answer, rows = root.verify()

    assert not answer.good
    assert rows["raw file"]["state"] == "changed"


def test_what_only_a_service_can_see_is_not_called_missing(root):
    root._set("PushedModel", "pushed_destination", "gs://bucket/serving/1")

    answer, rows = root.verify()

    assert answer.good
    assert rows["pushed model"]["state"] == "not reachable from here"


def test_without_digests_on_record_nothing_is_called_intact(root):
    root._set("Examples", "content", "")

    answer, rows = root.verify()

    assert answer.good
    assert rows["examples"]["state"] == "not recorded"


def test_all_is_every_push_and_all_data(root):
    answer = verify.verify(root.store, "trips", None)

    assert answer.value["checked"] == 4
