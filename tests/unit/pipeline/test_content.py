"""What a folder holds, wherever it lies."""

from __future__ import annotations

import hashlib
import os

import pytest

from pipeline import content


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model" / "variables").mkdir(parents=True)
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "model" / "variables" / "data").write_bytes(b"weights")
    return tmp_path / "model"


def test_every_file_has_its_size_and_sha256(folder):
    found = content.of_folder(str(folder))

    assert found == {
        "saved_model.pb": {"size": 5, "sha256": hashlib.sha256(b"graph").hexdigest()},
        "variables/data": {"size": 7, "sha256": hashlib.sha256(b"weights").hexdigest()},
    }


def test_a_copy_has_the_same_digest_and_a_renamed_file_another(folder, tmp_path):
    before = content.digest(content.of_folder(str(folder)))
    moved = folder.rename(tmp_path / "elsewhere")
    assert content.digest(content.of_folder(str(moved))) == before

    (moved / "saved_model.pb").rename(moved / "other.pb")

    assert content.digest(content.of_folder(str(moved))) != before


def test_a_registrys_note_is_no_part_of_the_model(folder):
    before = content.of_folder(str(folder))
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "millrace.json").write_text("{}")

    assert content.of_folder(str(folder)) == before


def test_an_edit_that_keeps_size_and_time_is_seen(tmp_path):
    file = tmp_path / "data.csv"
    file.write_bytes(b"1,2\n")
    before, status = content.of_file(str(file)), file.stat()
    file.write_bytes(b"1,3\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert content.of_file(str(file))["sha256"] != before["sha256"]
