"""One task of the compiled job, as its container starts it.

    python -m pipeline.runners.task --node NODE --runs_folder URI ARGUMENTS OF TFX
    python -m pipeline.runners.task --driver --node ExampleGen ...

TFX's own entry points, with three things around them: Keras 3 before anything imports
TensorFlow (field notes, trap 6), the values given at submission put where they belong,
and the error's own words left for the exit handler.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

os.environ["TF_USE_LEGACY_KERAS"] = "0"

_INVOCATION = "--json_serialized_invocation_args"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the task; raises what it raises."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--node", required=True)
    parser.add_argument("--runs_folder", required=True)
    parser.add_argument("--driver", action="store_true")
    parser.add_argument("--parameter", action="append", default=[])
    parser.add_argument("--run_date_zone")
    parser.add_argument(_INVOCATION, required=True)
    own, rest = parser.parse_known_args(argv)
    invocation = own.json_serialized_invocation_args
    try:
        from absl import logging

        from pipeline.runners import parameters, run_date

        # absl.app would do it; without it nothing below a warning is logged.
        logging.use_absl_handler()
        logging.set_verbosity(logging.INFO)

        invocation = parameters.put_in(invocation, own.parameter)
        invocation = run_date.put_in(invocation, own.run_date_zone)
        (_drive if own.driver else _execute)([_INVOCATION, invocation, *rest])
    except BaseException as error:
        _leave_words(own.node, own.runs_folder, invocation, error)
        raise
    return 0


def _execute(arguments: list[str]) -> None:
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx

    tfx.main(tfx._parse_flags([sys.argv[0], *arguments]))


def _drive(arguments: list[str]) -> None:
    """TFX's driver of file-based ExampleGens, with our fingerprint of the content."""
    from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver as tfx

    from pipeline.components import ingestion

    tfx.input_processor.FileBasedInputProcessor = ingestion.ContentInputProcessor
    tfx.main(tfx._parse_flags([sys.argv[0], *arguments]))


def _leave_words(
    node: str, runs_folder: str, invocation: str, error: BaseException
) -> None:
    from pipeline import outcome
    from pipeline.components.notifier import run_of
    from pipeline.notifications import failure, files

    words = outcome.words(error)
    run_id = run_of(json.loads(invocation)["outputs"]["outputFile"])
    try:
        result = outcome.of_error(error)
        if node == "Pusher":
            result = outcome.Outcome.PUSH_FAILED
        failure.leave(files.folder(runs_folder), run_id, node, result.name, words)
    except OSError as lost:
        print(f"the exit handler will not know why: {lost}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
