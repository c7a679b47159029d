"""What every test needs: Keras 3 in every process, no cloud, no surprise settings."""

from __future__ import annotations

import os
from typing import Any

# Before any test module imports TensorFlow (field notes, trap 6).
os.environ["TF_USE_LEGACY_KERAS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["NO_GCE_CHECK"] = "true"

import pytest

from tests.fakes import server

# gRPC reads it once for the process, at the first connection.
os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(server.roots())


# A fixture of the session that takes a minute -> the files that share it.
_SHARED = {
    "trained": ("cache", "rehearsal", "terminal"),
    "taxi": (
        *("explanation", "exports", "lineage", "no_skew", "predict", "serving"),
        "taxi_run",
    ),
}
_GROUPS = {
    f"tests/e2e/test_{file}.py": group
    for group, files in _SHARED.items()
    for file in files
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests to one worker, and all that share such a fixture to one, too."""
    from xdist.scheduler import LoadFileScheduling

    class LoadGroups(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return _GROUPS.get(file, file)

    return LoadGroups(config, log)
