"""A world in which Google's names lead to a fake; tests/e2e has TensorFlow in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.gcs import world

ASKS = """
import os, urllib.request
import google.auth
from google.cloud import storage

credentials, project = google.auth.default()
bucket = storage.Client().bucket("trips")
bucket.blob("runs/1.txt").upload_from_string("by the service")
print(project, open("/gcs/trips/runs/1.txt").read(), sep="|")
with open("/gcs/trips/runs/2.txt", "w") as file:
    file.write("by the mount")
print([blob.download_as_text() for blob in bucket.list_blobs(prefix="runs/2")])
try:
    urllib.request.urlopen("https://example.com", timeout=5)
except OSError as error:
    print("no other network")
raise SystemExit(7)
"""


@pytest.fixture
def run(tmp_path):
    if reason := world.missing():
        pytest.skip(f"no world of its own here: {reason}")
    (tmp_path / "buckets" / "trips").mkdir(parents=True)

    def run(program: str) -> subprocess.CompletedProcess:
        python, folder = sys.executable, str(tmp_path)
        return subprocess.run(
            [
                *(python, "-m", "tests.fakes.gcs.world", folder),
                *(python, "-c", program),
            ],
            cwd=world.ROOT,
            env={k: v for k, v in os.environ.items() if k != "NO_GCE_CHECK"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_google_s_client_needs_nothing_said_and_the_bucket_is_mounted(run, tmp_path):
    hosts = Path("/etc/hosts").read_bytes()

    done = run(ASKS)

    assert done.stdout.splitlines() == [
        "trips-project|by the service",
        "['by the mount']",
        "no other network",
    ], done.stderr
    assert done.returncode == 7
    asked = (tmp_path / "requests.txt").read_text(encoding="utf-8")
    assert "gcloud-python POST /upload/storage/v1/b/trips/o" in asked
    assert Path("/etc/hosts").read_bytes() == hosts
    assert not Path("/gcs/trips").exists()


def test_where_there_can_be_none_the_reason_is_said(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert world.missing() == "only root makes a network and mounts of its own"
