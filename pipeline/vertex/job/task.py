"""One task of the compiled job, as its container starts it.

    python -m pipeline.runners.task --node NODE --runs_folder URI ARGUMENTS OF TFX
    python -m pipeline.runners.task --driver --node ExampleGen ...

TFX's own entry points, with five things around them: Keras 3 before anything imports
TensorFlow (field notes, trap 6), the values given at submission put where they belong,
the digest of the code on all that it puts out, the error's own words left for the exit
handler, and an end after --timeout_s.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence

from pipeline import nodes
from pipeline.nodes import PUSHER
from pipeline.runs import run_id as run_id_lib

os.environ["TF_USE_LEGACY_KERAS"] = "0"

_INVOCATION = "--json_serialized_invocation_args"
# For code that never lets Python's threads run: the process ends without words.
_GRACE_S = 60


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the task; raises what it raises."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--node", required=True)
    parser.add_argument("--runs_folder", required=True)
    parser.add_argument("--timeout_s", type=float)
    parser.add_argument("--driver", action="store_true")
    parser.add_argument("--driver_first", action="store_true")
    parser.add_argument("--parameter", action="append", default=[])
    parser.add_argument("--run_date_zone")
    parser.add_argument("--types", type=json.loads, default={})
    parser.add_argument(_INVOCATION, required=True)
    own, rest = parser.parse_known_args(argv)
    invocation = own.json_serialized_invocation_args
    if own.timeout_s:
        _end_after(own.timeout_s, own.node, own.runs_folder, invocation)
    try:
        from absl import logging

        from pipeline.code import packages
        from pipeline.vertex.job import parameters, run_date

        # absl.app would do it; without it nothing below a warning is logged.
        logging.use_absl_handler()
        logging.set_verbosity(logging.INFO)

        invocation = parameters.put_in(invocation, own.parameter)
        invocation = run_date.put_in(invocation, own.run_date_zone)
        invocation = _typed(packages.found(invocation), own.types)
        if own.driver or own.driver_first:
            _drive([_INVOCATION, invocation, *rest])
        if own.driver_first:
            invocation = _as_driven(invocation)
        if not own.driver:
            _execute([_INVOCATION, invocation, *rest])
            _sign_outputs(own.node, invocation)
    except BaseException as error:
        _leave_words(own.node, own.runs_folder, invocation, error)
        raise
    return 0


def _typed(invocation: str, types: Mapping[str, str]) -> str:
    """The invocation with TFX's types of the artifacts that are named.

    In a pipeline of KFP's own (vertex/job/component_export.py) they have none of TFX's.
    """
    value = json.loads(invocation)
    for side in ("inputs", "outputs"):
        for key, listed in value.get(side, {}).get("artifacts", {}).items():
            for artifact in listed["artifacts"] if key in types else ():
                artifact["type"] = {"schemaTitle": types[key]}
    return json.dumps(value)


def _as_driven(invocation: str) -> str:
    """The invocation with what the driver wrote of the artifacts: span, fingerprint.

    Between a driver and its executor, Vertex does this.
    """
    from tfx.dsl.io import fileio

    value = json.loads(invocation)
    with fileio.open(value["outputs"]["outputFile"]) as file:
        written = json.loads(file.read())
    for key, listed in written["artifacts"].items():
        [artifact] = value["outputs"]["artifacts"][key]["artifacts"]
        artifact.setdefault("metadata", {}).update(listed["artifacts"][0]["metadata"])
    return json.dumps(value)


def _execute(arguments: list[str]) -> None:
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx

    tfx.main(tfx._parse_flags([sys.argv[0], *arguments]))


def _sign_outputs(node: str, invocation: str) -> None:
    """The node's code by digest, in what TFX wrote of the artifacts.

    Vertex takes it up into ML Metadata; to its execution a task cannot write.
    """
    from tfx.dsl.io import fileio

    from pipeline import recorded
    from pipeline.code import fingerprint

    output_file = json.loads(invocation)["outputs"]["outputFile"]
    if node not in nodes.MODULES or not fileio.exists(output_file):
        return
    files = fingerprint.code_files(node)
    code = {
        recorded.ExecutionKey.CODE_DIGEST: fingerprint.code_digest(files),
        recorded.ExecutionKey.CODE_FILES: json.dumps(files),
    }
    with fileio.open(output_file) as file:
        written = json.loads(file.read())
    for listed in written.get("artifacts", {}).values():
        for artifact in listed["artifacts"]:
            artifact["metadata"] = {**artifact.get("metadata", {}), **code}
    with fileio.open(output_file, "w") as file:
        file.write(json.dumps(written))


def _drive(arguments: list[str]) -> None:
    """TFX's driver of file-based ExampleGens, with our fingerprint of the content."""
    from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver as tfx

    from pipeline.components import ingestion

    tfx.input_processor.FileBasedInputProcessor = ingestion.ContentInputProcessor
    tfx.main(tfx._parse_flags([sys.argv[0], *arguments]))


def _end_after(timeout_s: float, node: str, runs_folder: str, invocation: str) -> None:
    """Ends the process, whatever it does then: in a container nothing is left over."""

    def end() -> None:
        words = (
            f"{node} was not done after {timeout_s / 60:g} minutes and was ended: "
            f"vertex.resources.{node}.timeout_minutes or vertex.timeout_minutes"
        )
        print(words, file=sys.stderr, flush=True)  # noqa: T201
        try:
            _leave_words(node, runs_folder, invocation, TimeoutError(words))
        finally:
            os._exit(1)

    clock = threading.Timer(timeout_s, end)
    clock.daemon = True
    clock.start()
    # Its clock needs no thread of Python's.
    faulthandler.dump_traceback_later(timeout_s + _GRACE_S, exit=True)


def _leave_words(
    node: str, runs_folder: str, invocation: str, error: BaseException
) -> None:
    from pipeline import files
    from pipeline.notifications import failure
    from pipeline.runs import outcome

    words = outcome.words(error)
    run_id = run_id_lib.of_vertex(json.loads(invocation)["outputs"]["outputFile"])
    try:
        result = outcome.of_error(error)
        if node == PUSHER:
            result = outcome.Outcome.PUSH_FAILED
        failure.leave(files.folder(runs_folder), run_id, node, result.name, words)
    except OSError as lost:
        print(f"the exit handler cannot say why: {lost}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
