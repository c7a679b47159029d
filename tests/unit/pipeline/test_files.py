"""A bucket's folder: where Vertex mounts it, and where this machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import files


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
