"""Runs stock TFX once, in this process, and writes down how long each node took."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Before TFX is imported, which is inside functions so that the import can be timed.
os.environ["TF_USE_LEGACY_KERAS"] = "0"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    arguments = _arguments(argv)
    arguments.work.mkdir(parents=True, exist_ok=True)

    started = time.monotonic()
    from benchmarks import stock_pipeline

    import_s = time.monotonic() - started
    # Nothing of stock's Beam setting is changed: the default DirectRunner looks for
    # the Prism binary, and offline falls back at once to the in-memory FnApiRunner.
    # Naming that runner instead would slow stock down: with non-empty Beam arguments
    # TFX packs itself as an sdist in every Beam component.
    pipeline = stock_pipeline.create_pipeline(
        arguments.data,
        arguments.work,
        arguments.steps,
        arguments.beam_arg,
        arguments.edit,
    )
    nodes = _run(pipeline)
    total_s = time.monotonic() - started

    _require_good(arguments.work / "metadata.db")
    result = {
        "nodes": nodes,
        "import_s": round(import_s, 3),
        "total_s": round(total_s, 3),
        "pushed": (arguments.work / "serving").exists(),
        "beam_args": arguments.beam_arg,
    }
    arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with CSV")
    parser.add_argument(
        "--work",
        type=Path,
        required=True,
        help="folder; what an earlier run left is its cache",
    )
    parser.add_argument("--steps", type=int, required=True, help="training steps")
    parser.add_argument(
        "--edit", default="", help="any other text makes Trainer and what follows run"
    )
    parser.add_argument("--json", type=Path, required=True, help="file to write")
    parser.add_argument("--beam-arg", action="append", default=[], metavar="ARG")
    return parser.parse_args(argv)


def _run(pipeline: Any) -> list[dict[str, Any]]:
    """Runs every node; returns id and seconds of each, drivers and MLMD included."""
    from tfx import v1 as tfx
    from tfx.orchestration.portable import launcher

    nodes: list[dict[str, Any]] = []
    launch = launcher.Launcher.launch
    launcher.Launcher.launch = _timed(launch, nodes)
    try:
        tfx.orchestration.LocalDagRunner().run(pipeline)
    finally:
        launcher.Launcher.launch = launch
    return nodes


def _timed(
    launch: Callable[[Any], Any], nodes: list[dict[str, Any]]
) -> Callable[[Any], Any]:
    def timed(self: Any) -> Any:
        started = time.monotonic()
        info = launch(self)
        seconds = round(time.monotonic() - started, 3)
        # TFX has no public name for it.
        node = self._pipeline_node.node_info.id
        nodes.append({"id": node, "seconds": seconds})
        return info

    return timed


def _require_good(database: Path) -> None:
    """Asks MLMD: LocalDagRunner succeeds though a node cannot resolve its inputs."""
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    executions = metadata_store.MetadataStore(connection).get_executions()
    good = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)
    bad = [
        mlmd.Execution.State.Name(execution.last_known_state)
        for execution in executions
        if execution.last_known_state not in good
    ]
    if bad or not executions:
        raise SystemExit(f"MLMD has executions that did not end well: {bad}")


if __name__ == "__main__":
    raise SystemExit(main())
