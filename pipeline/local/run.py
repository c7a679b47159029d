"""The life of a run on this machine, from the lock to the summary."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shlex
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pipeline import recorded
from pipeline.code import fingerprint, parts
from pipeline.code import version as code
from pipeline.config.config import Config
from pipeline.data import preflight
from pipeline.errors import DataRefused, StoreAway, UsageError
from pipeline.interrupts import Interrupts
from pipeline.local import log_file as logs
from pipeline.local import terminal as progress
from pipeline.local import unchanged
from pipeline.local.selection import NODES, Selection
from pipeline.metadata import connections, ownership, process
from pipeline.nodes import EVALUATOR, STATISTICS_GEN, TRAINER
from pipeline.notifications import tell
from pipeline.platforms import registry as places
from pipeline.platforms import settings as settings_of
from pipeline.reports import write
from pipeline.runs import ending, outcome
from pipeline.runs import folder as runs
from pipeline.runs.ending import Facts
from pipeline.runs.outcome import Outcome

if TYPE_CHECKING:
    from pipeline.metadata.run_record import Record

# Whatever imports TFX is imported inside functions: ten seconds, paid only by a run.


def run(
    config: Config,
    selection: Selection,
    arguments: Sequence[str],
    force: bool = False,
    trigger: str = "hand",
) -> int:
    """Runs the pipeline and returns the exit code.

    With the inputs of the last run, that succeeded, it says so and runs nothing.

    Args:
      config: everything the run depends on.
      selection: which nodes.
      arguments: the command line's options, for the hint of what to type next.
      force: run even when nothing changed.
      trigger: what started it, for the record: 'hand', 'schedule NAME', ...

    Raises:
      UsageError: before anything was started.
    """
    preflight.check_reviewed(config)
    files = preflight.check(config.data)
    connections.require_writable(config.store)
    digest = unchanged.inputs_digest(config, files)
    if not (force or selection.is_partial):
        relied_on = unchanged.relied_on(config, digest)
        if relied_on:
            runs.confirm(config.output_root, relied_on["run_id"])
            command = _command("run --force", arguments)
            progress.print_unchanged(Console(), relied_on, command)
            return Outcome.SUCCEEDED.value
    with runs.locked(config.output_root), Interrupts() as interrupts:
        base_run_id = selection.base_run(config)
        folder = runs.new_run(config.output_root)
        folder.write_json(runs.CONFIG_FILE, config.model_dump(mode="json"))
        begun = _facts_of_the_start(config, digest, trigger)
        config = _sampled(config, files)
        started = time.monotonic()
        starting = _begin(config, selection, folder, arguments)
        with (
            logs.captured(folder.log) as terminal,
            progress.Progress(terminal, NODES, folder.run_id) as display,
        ):
            ended = _Ended()
            try:
                with interrupts.allowed():
                    _execute(config, selection, base_run_id, folder, display, begun)
            except BaseException as error:
                traceback.print_exc()
                ended = _Ended(error, display.running)
            summary = {
                **_settle(config, folder, ended, display, selection.is_partial),
                "seconds": round(time.monotonic() - started, 2),
                "log": str(folder.log),
                "report": _report(folder),
                "partial": selection.is_partial,
                "inputs_digest": digest,
                "seconds_before": runs.seconds_before(
                    config.output_root, folder.run_id, config.pipeline_name, NODES
                ),
            }
            summary["next"] = _next_command(summary, arguments)
            starting.join(_FOR_THE_START_S)
            summary["told"] = _tell(config, summary, folder, arguments)
            folder.write_json(runs.SUMMARY_FILE, summary)
            if missing := write.attempt(config.output_root, folder.run_id):
                summary["report"] = f"none: {missing}"
                folder.write_json(runs.SUMMARY_FILE, summary)
        progress.print_summary(Console(), summary)
    return summary["exit_code"]


class _Ended:
    """What ended the run early, if anything did, and at which node."""

    def __init__(
        self, error: BaseException | None = None, node: str | None = None
    ) -> None:
        self.error = error
        self.node = node

    @property
    def reasons(self) -> list[str]:
        """The error in words."""
        return [] if self.error is None else [outcome.words(self.error)]


def _execute(
    config: Config,
    selection: Selection,
    base_run_id: str | None,
    folder: runs.RunFolder,
    display: progress.Progress,
    begun: Mapping[str, str],
) -> None:
    """Launches the nodes in turn; raises what ends the run early."""
    from pipeline.components import pusher
    from pipeline.lineage import moves
    from pipeline.local import launch, override
    from pipeline.local.results import rows_of
    from pipeline.metadata.run_record import Record

    _log_to_stderr()
    # TensorFlow's and Beam's modules are looked through at each collection, and none of
    # them ever becomes garbage.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    record = Record(config, folder.run_id)
    record.begin_run({**begun, recorded.RunKey.PIPELINE: config.pipeline_name})
    for line in override.settle(config):
        display.console.print(line, markup=False)
    if registry := places.at(settings_of.registry(config, "local")):
        moves.keep(config.store, config.pipeline_name, registry)
    record.close_open("FAILED")
    record.forget_missing()

    graph = launch.compiled(config)
    parts.keep(config.output_root, fingerprint.all_code_files())
    if selection.is_partial:
        launch.select(graph, selection, base_run_id)
    launcher = launch.Launcher(graph, folder.run_id, record)
    try:
        for node, decided in launcher.nodes():
            if decided:
                display.finish(node, decided)
                continue
            display.start(node)
            if node == TRAINER:
                # Pusher will ask the model in a process that is slow to start.
                pusher.prepare_check()
            state, execution_id = launcher.launch(node)
            saved = record.saved_seconds(execution_id) if state == "cached" else 0.0
            display.finish(node, state, saved_s=saved, execution_id=execution_id)
            if node == STATISTICS_GEN:
                display.show_rows(rows_of(record))
    finally:
        pusher.discard_checks()


def _settle(
    config: Config,
    folder: runs.RunFolder,
    ended: _Ended,
    display: progress.Progress,
    partial: bool,
) -> dict[str, Any]:
    """Finds the outcome, tells MLMD, and returns the facts of the summary.

    When the store cannot be used any more, the run's folder and people still learn it.
    """
    from pipeline.local import results as facts

    try:
        return _recorded(config, folder, ended, display, partial)
    except (StoreAway, UsageError) as away:
        if ended.node and ended.node == display.running:
            display.finish(ended.node, "failed")
        result = outcome.of_error(ended.error or away)
        reasons = [*ended.reasons, f"{away}. This end of the run is not in MLMD"]
        end = result, ended.node, reasons
        return _summary(config, folder, end, display, facts.Facts())


def _recorded(
    config: Config,
    folder: runs.RunFolder,
    ended: _Ended,
    display: progress.Progress,
    partial: bool,
) -> dict[str, Any]:
    from pipeline.local.results import facts_of
    from pipeline.metadata.run_record import Record

    record = Record(config, folder.run_id)
    facts = facts_of(record)
    result, node, reasons = Outcome.SUCCEEDED, ended.node, ended.reasons
    if ended.error is not None:
        result = outcome.of_error(ended.error)
        reasons = [*reasons, *_rows_to_mend(config, ended.error)]
        _record_failure(record, result, ended)
        if node:
            display.finish(node, "failed")
    elif facts.verdict and not facts.verdict["blessed"]:
        result, node = Outcome.NOT_BLESSED, EVALUATOR
        reasons = facts.verdict["reasons"]
    record.describe_run(
        {
            recorded.RunKey.OUTCOME: result.name,
            recorded.RunKey.OUTCOME_NODE: node or "",
            recorded.RunKey.REASONS: json.dumps(list(reasons)),
            recorded.RunKey.ENDED: f"{time.time():.3f}",
            recorded.RunKey.PARTIAL: str(partial).lower(),
            recorded.RunKey.NODES: json.dumps(
                [state.to_dict() for state in display.nodes.values()]
            ),
        }
    )
    display.show_rows(facts.rows)
    for state in display.nodes.values():
        if state.execution_id is not None:
            record.describe_work(
                state.execution_id, state.seconds, facts.work[state.id]
            )
    return _summary(config, folder, (result, node, reasons), display, facts)


def _summary(
    config: Config,
    folder: runs.RunFolder,
    end: tuple[Outcome, str | None, Sequence[str]],
    display: progress.Progress,
    facts: Any,
) -> dict[str, Any]:
    result, node, reasons = end
    refused = result is Outcome.NOT_BLESSED
    return {
        "run_id": folder.run_id,
        "pipeline": config.pipeline_name,
        "outcome": result.name,
        "exit_code": config.not_blessed_exit_code if refused else result.value,
        "node": node,
        "reasons": list(reasons),
        "nodes": [state.to_dict() for state in display.nodes.values()],
        "verdict": facts.verdict["word"] if facts.verdict else None,
        "checks": facts.verdict["checks"] if facts.verdict else [],
        "metrics": facts.metrics,
        "pushed": facts.pushed,
        "same_as": facts.same_as,
        "data": facts.data,
        "drifted": facts.drifted,
        "config_digest": config.digest,
    }


def _record_failure(record: Record, result: Outcome, ended: _Ended) -> None:
    """Gives MLMD what TFX leaves out: an end, the reason, the evidence."""
    record.close_open("CANCELED" if result is Outcome.CANCELLED else "FAILED")
    failed = record.last_failed()
    if failed is None:
        return
    record.describe_failure(failed, "\n".join(ended.reasons))
    if isinstance(ended.error, DataRefused):
        record.keep_evidence(failed, ended.error.anomalies)


def _rows_to_mend(config: Config, error: BaseException) -> list[str]:
    """Refused data's first bad rows, where the files can tell."""
    if not isinstance(error, DataRefused):
        return []
    files = preflight.data_files(config.data)
    return preflight.not_numbers(files, error.not_numbers)


def _report(folder: runs.RunFolder) -> str:
    return str(folder.path / write.FILE)


def _next_command(summary: dict[str, Any], arguments: Sequence[str]) -> str:
    """The command that a person most likely wants now."""
    verb = {
        "SUCCEEDED": f"runs {summary['run_id']}",
        "DATA_REFUSED": "schema diff",
        "NOT_BLESSED": f"runs {summary['run_id']}",
    }.get(summary["outcome"], "resume")
    return _command(verb, arguments)


def _command(verb: str, arguments: Sequence[str]) -> str:
    return f"{_python()} local_runner.py {verb} {shlex.join(arguments)}".rstrip()


def _python() -> str:
    """This interpreter, as one types it here."""
    if shutil.which("python") == sys.executable:
        return "python"
    inside = Path(sys.executable).is_relative_to(Path.cwd())
    return os.path.relpath(sys.executable) if inside else sys.executable


def _facts_of_the_start(config: Config, digest: str, trigger: str) -> dict[str, str]:
    """What is recorded before anything can go wrong; no secret among it."""
    return {
        **code.surroundings(trigger),
        recorded.RunKey.STARTED: f"{time.time():.3f}",
        recorded.RunKey.PROCESS: process.this(),
        recorded.RunKey.OUTPUT_ROOT: ownership.root_id(config.output_root),
        recorded.RunKey.CONFIG: json.dumps(config.model_dump(mode="json")),
        recorded.RunKey.CONFIG_DIGEST: config.digest,
        recorded.RunKey.INPUTS_DIGEST: digest,
    }


# That it started is told before how it ended; but not at any price.
_FOR_THE_START_S = 10.0


def _begin(
    config: Config,
    selection: Selection,
    folder: runs.RunFolder,
    arguments: Sequence[str],
) -> threading.Thread:
    """Leaves for the Notifier what only the runner knows; tells who wants it now."""
    circumstances: dict[str, Any] = {
        "started": time.time(),
        "code": code.version(),
        "next": _command(f"runs {folder.run_id}", arguments),
        "log": str(folder.log),
        "partial": selection.is_partial,
    }
    # Whoever is told that it started would find no report yet.
    known = {**circumstances, "report": _report(folder)}
    folder.write_json(ending.CIRCUMSTANCES, known)
    facts = Facts(
        pipeline=config.pipeline_name,
        run_id=folder.run_id,
        outcome="STARTED",
        **circumstances,
    )
    # A slow channel does not keep the run from starting.
    thread = threading.Thread(
        target=tell.tell,
        args=(facts, config.notifications, folder.path.parent),
        daemon=True,
    )
    thread.start()
    return thread


def _tell(
    config: Config,
    summary: dict[str, Any],
    folder: runs.RunFolder,
    arguments: Sequence[str],
) -> list[str]:
    """Tells people, unless the Notifier did; a line for each channel worth one."""
    from pipeline.metadata.run_record import Record

    runs_folder = folder.path.parent
    known = {
        **ending.circumstances(runs_folder, folder.run_id),
        "next": summary["next"],
    }
    facts = Facts(
        pipeline=summary["pipeline"],
        run_id=folder.run_id,
        outcome=summary["outcome"],
        node=summary["node"],
        reasons=tuple(summary["reasons"]),
        checks=tuple(summary["checks"]),
        metrics=summary["metrics"].get("overall", {}),
        drifted=tuple(summary["drifted"]),
        data=summary["data"],
        pushed=summary["pushed"],
        ended=time.time(),
        **known,
    )
    deliveries = tell.tell(facts, config.notifications, runs_folder)
    with contextlib.suppress(StoreAway, UsageError):  # the summary says so already
        Record(config, folder.run_id).describe_run(
            {
                recorded.RunKey.TOLD: json.dumps(
                    [vars(delivery) for delivery in deliveries]
                )
            }
        )
    worth_a_line = [
        d for d in deliveries if d.kind not in _QUIET or d.outcome != "sent"
    ]
    lines = [str(delivery) for delivery in worth_a_line]
    if any(delivery.outcome == "waiting" for delivery in worth_a_line):
        lines.append(f"to send what waits: {_command('notify flush', arguments)}")
    return lines


# What a run keeps in its own folder is no news at its end.
_QUIET = ("log", "file")


def _sampled(config: Config, files: list[Path]) -> Config:
    """With data.sample: the first rows as the data, in a pipeline of its own name.

    The name keeps a sample's models out of the real pipeline's baselines.
    """
    if config.data.sample is None:
        return config
    folder = Path(config.output_root) / "samples" / str(config.data.sample)
    preflight.sample(files, config.data.sample, folder)
    sampled = {"path": str(folder), "pattern": "*", "span": None}
    data = config.data.model_copy(update=sampled)
    return config.model_copy(update={"pipeline_name": config.run_name, "data": data})


def _log_to_stderr() -> None:
    """Absl shows warnings only, and only on the stream it found at import."""
    from absl import logging

    logging.use_absl_handler()
    logging.get_absl_handler().python_handler.stream = sys.stderr
    logging.set_verbosity(logging.INFO)
