"""One task of the compiled job, as its container starts it.

    python -m pipeline.runners.task --node NODE --runs_folder URI ARGUMENTS OF TFX

TFX's own entry point, with two things around it: Keras 3 before anything imports
TensorFlow (field notes, trap 6), and the error's own words left for the exit handler.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

os.environ["TF_USE_LEGACY_KERAS"] = "0"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the task; raises what it raises."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", required=True)
    parser.add_argument("--runs_folder", required=True)
    own, rest = parser.parse_known_args(argv)

    from absl import logging
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    # absl.app would do it; without it nothing below a warning is logged.
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO)
    arguments = kubeflow_v2_run_executor._parse_flags([sys.argv[0], *rest])
    try:
        kubeflow_v2_run_executor.main(arguments)
    except BaseException as error:
        _leave_words(own.node, own.runs_folder, arguments[0], error)
        raise
    return 0


def _leave_words(
    node: str, runs_folder: str, arguments: argparse.Namespace, error: BaseException
) -> None:
    from pipeline import outcome
    from pipeline.components.notifier import run_of
    from pipeline.notifications import failure, files

    words = outcome.words(error)
    invocation = json.loads(arguments.json_serialized_invocation_args)
    run_id = run_of(invocation["outputs"]["outputFile"])
    try:
        result = outcome.of_error(error)
        if node == "Pusher":
            result = outcome.Outcome.PUSH_FAILED
        failure.leave(files.folder(runs_folder), run_id, node, result.name, words)
    except OSError as lost:
        print(f"the exit handler will not know why: {lost}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
