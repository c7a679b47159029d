"""A rehearsal follows references to secrets, and writes none of them down."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.conftest import ROOT
from tests.fakes import cloud

URL = "http://127.0.0.1:9/hooks/T0SECRET/x9hoLfR7-only-in-secret-manager"
KEY = "kq3-hmac-key-of-the-hook"
NAMES = {
    "projects/trips/secrets/hook/versions/latest": URL.encode(),
    "projects/trips/secrets/key/versions/latest": KEY.encode(),
}


def test_a_failed_rehearsal_tells_people_and_no_file_of_it_holds_a_secret(tmp_path):
    url, key = (f"sm://{name}" for name in NAMES)
    with cloud.secret_manager(NAMES) as (endpoint, asked):
        done = subprocess.run(
            [
                *(sys.executable, "vertex_runner.py", "rehearse"),
                *("--config", "configs/penguins/penguins.yaml"),
                *("--set", f"output_root={tmp_path}"),
                *("--set", f"notifications.secret_manager_endpoint={endpoint}"),
                "--set",
                (
                    "notifications.channels.hook={kind: webhook, attempts: 1, "
                    f"url: '{url}', key: '{key}'}}"
                ),
                *("--fail-at", "ExampleGen"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, "TEAM_HOOK": URL, "TEAM_KEY": KEY},
        )

    assert done.returncode == 1, done.stdout + done.stderr
    assert set(asked) == set(NAMES)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    texts = {str(file): file.read_bytes() for file in files}
    texts["output"] = (done.stdout + done.stderr).encode()
    assert any(url.encode() in text for text in texts.values())
    for piece in (URL, "x9hoLfR7-only-in-secret-manager", KEY):
        found = [name for name, text in texts.items() if piece.encode() in text]
        assert found == []
