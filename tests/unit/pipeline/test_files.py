"""Files that stay; and a bucket's folder: where it is mounted."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipeline import files
from tests import power


@pytest.fixture
def mounts(monkeypatch):
    """The mount points of this machine; all else is a plain folder."""

    def mounts(*points: str):
        monkeypatch.setattr(os.path, "ismount", lambda path: path in points)

    return mounts


def test_a_task_on_vertex_finds_each_bucket_below_gcs():
    assert files.folder("gs://bucket/runs") == Path("/gcs/bucket/runs")
    assert files.folder("/disk/runs") == Path("/disk/runs")
    assert files.folder("file:///disk/runs") == Path("/disk/runs")


@pytest.mark.parametrize("point", ["/gcs", "/gcs/bucket"])
def test_a_bucket_is_mounted_where_something_is_mounted(mounts, point):
    mounts(point)

    assert files.mounted("gs://bucket/runs") == Path("/gcs/bucket/runs")


@pytest.mark.parametrize("points", [(), ("/",), ("/gcs/another",)])
def test_a_folder_called_gcs_is_not_a_bucket(mounts, points):
    mounts(*points)

    assert files.mounted("gs://bucket/runs") is None


@pytest.mark.parametrize("uri", ["/disk/runs", "file:///disk", "gs://"])
def test_what_is_not_in_a_bucket_is_not_mounted(mounts, uri):
    mounts("/gcs")

    assert files.mounted(uri) is None


# A loss of power


@pytest.fixture
def disk(tmp_path) -> power.Disk:
    (tmp_path / "root").mkdir()
    return power.Disk(tmp_path / "root")


def contents(folder: Path) -> dict[str, str]:
    """File -> what is in it; a folder ends in a slash."""
    return {
        f"{path.relative_to(folder)}{'/' if path.is_dir() else ''}": (
            "" if path.is_dir() else path.read_text()
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("new_names", [False, True])
def test_at_every_instant_of_a_write_the_old_file_is_there_or_the_new_one(
    disk, tmp_path, new_names
):
    file, seen = tmp_path / "root" / "runs" / "7" / "summary.json", []
    with disk.recorded():
        files.write_text(file, "old")

    def look() -> None:
        left = contents(disk.left(tmp_path / "left", new_names))
        seen.append(left["runs/7/summary.json"])

    with disk.recorded(look):
        files.write_text(file, "new")
    look()

    assert set(seen) == {"old", "new"}
    assert seen == sorted(seen, reverse=True)


def test_what_a_line_was_added_to_has_all_lines_or_all_but_the_last(disk, tmp_path):
    file, seen = tmp_path / "root" / "moves.jsonl", []

    def look() -> None:
        seen.append(contents(disk.left(tmp_path / "left")).get("moves.jsonl", ""))

    with disk.recorded(look):
        files.append(file, b"one")
        assert contents(disk.left(tmp_path / "left")) == {"moves.jsonl": "one\n"}
        files.append(file, b"two")
    look()

    assert set(seen) == {"", "one\n", "one\ntwo\n"}


def test_what_was_synced_and_renamed_is_there_with_all_that_is_below(disk, tmp_path):
    source = tmp_path / "root" / "made" / "source"
    with disk.recorded():
        (source / "deep" / "er").mkdir(parents=True)
        (source / "deep" / "er" / "weights").write_text("w" * 9)
        (source / "graph").write_text("g")
        (source / "link").symlink_to("nowhere")
        files.sync(str(source), above=2)
        files.rename(source, source.with_name("target"))

        assert contents(disk.left(tmp_path / "left")) == {
            "made/": "",
            "made/target/": "",
            "made/target/deep/": "",
            "made/target/deep/er/": "",
            "made/target/deep/er/weights": "w" * 9,
            "made/target/graph": "g",
        }


def test_a_file_system_without_a_sync_of_folders_is_no_reason_to_stop(
    tmp_path, monkeypatch
):
    def refuse(file: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{file}"):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)

    files.make_folder(tmp_path / "new")

    assert (tmp_path / "new").is_dir()


def test_a_disk_that_does_not_take_a_file_is_an_error_and_leaves_the_old(
    tmp_path, monkeypatch
):
    file = tmp_path / "summary.json"
    files.write_text(file, "old")

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)

    with pytest.raises(OSError, match="No space left"):
        files.write_text(file, "new")
    assert contents(tmp_path) == {"summary.json": "old"}


def test_a_bucket_is_not_synced(monkeypatch):
    monkeypatch.setattr(os, "fsync", None)

    files.sync("gs://bucket/serving/7")


def test_nothing_else_syncs_files(repository):
    others = [
        str(file.relative_to(repository))
        for package in ("pipeline", "trainer", "transform", "models")
        for file in (repository / package).rglob("*.py")
        if "fsync" in file.read_text() and file != repository / "pipeline/files.py"
    ]

    assert others == []
