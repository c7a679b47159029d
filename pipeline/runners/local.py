"""The life of a run on this machine, from the lock to the summary."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import errors, fingerprint, outcome, preflight, runs
from pipeline.config import Config
from pipeline.notifications import channels, message
from pipeline.outcome import Outcome
from pipeline.runners import logs, progress

NODES = tuple(fingerprint.NODE_MODULES)


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which nodes to run; empty means all."""

    from_nodes: tuple[str, ...] = ()
    to_nodes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for node in (*self.from_nodes, *self.to_nodes):
            if node not in NODES:
                raise errors.UsageError(
                    f"'{node}' is not a node here. Known: {', '.join(NODES)}"
                )

    @property
    def is_partial(self) -> bool:
        """Whether any node is left out."""
        return bool(self.from_nodes or self.to_nodes)


@dataclasses.dataclass
class _Result:
    """What the run has shown so far."""

    outcome: Outcome = Outcome.SUCCEEDED
    node: str | None = None
    reasons: list[str] = dataclasses.field(default_factory=list)
    verdict: str | None = None
    metrics: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    pushed: str | None = None


def run(config: Config, selection: Selection, arguments: Sequence[str]) -> int:
    """Runs the pipeline and returns the exit code.

    Args:
      config: everything the run depends on.
      selection: which nodes.
      arguments: the command line, for the hint of what to type next.

    Raises:
      UsageError: before anything was started.
    """
    files = preflight.check(config.data.path)
    base_run_id = _base_run(config, selection)
    with runs.locked(config.output_root), _terminable():
        folder = runs.new_run(config.output_root)
        folder.write_json(runs.CONFIG_FILE, config.model_dump(mode="json"))
        config = _sampled(config, files)
        started = time.monotonic()
        with (
            logs.captured(folder.log) as terminal,
            progress.Progress(terminal, NODES, folder.run_id) as display,
        ):
            result = _execute(config, selection, base_run_id, folder, display)
            summary = _summary(config, result, display, folder, started, arguments)
            folder.write_json(runs.SUMMARY_FILE, summary)
            _tell(config, summary, folder)
        progress.print_summary(Console(), summary)
    return summary["exit_code"]


def _execute(
    config: Config,
    selection: Selection,
    base_run_id: str | None,
    folder: runs.RunFolder,
    display: progress.Progress,
) -> _Result:
    """Launches the nodes; whatever ends the run becomes its outcome."""
    result = _Result()
    record = None
    try:
        # Ten seconds of imports, only now: --help and every check above are instant.
        from pipeline.runners import launch
        from pipeline.runners.record import Record, remove_partial_outputs

        _log_to_stderr()
        record = Record(config, folder.run_id)
        stale = record.close_open(_FAILED)
        remove_partial_outputs(config.artifacts_path, stale)
        record.forget_missing()
        ir = launch.compiled(config)
        if selection.is_partial:
            launch.select(
                ir, list(selection.from_nodes), list(selection.to_nodes), base_run_id
            )
        launcher = launch.Launcher(ir, folder.run_id, record)
        for node, decided in launcher.nodes():
            if decided:
                display.finish(node, decided)
                continue
            result.node = node
            display.start(node)
            state, execution_id = launcher.launch(node)
            saved = record.saved_seconds(execution_id) if state == "cached" else 0.0
            display.finish(node, state, saved_s=saved, execution_id=execution_id)
            if execution_id:
                _learn(result, node, record.outputs(execution_id), display)
        result.node = None
        if result.verdict and result.reasons:
            result.outcome, result.node = Outcome.NOT_BLESSED, "Evaluator"
    except BaseException as error:
        traceback.print_exc()
        _fail(result, error, display)
        if record:
            _record_failure(config, record, result, error)
    if record:
        record.describe_run(
            {
                "outcome": result.outcome.name,
                "outcome_node": result.node or "",
                "config_digest": config.digest,
            }
        )
    return result


_FAILED, _CANCELED = 4, 6
"""ml_metadata's Execution.FAILED and CANCELED; its import waits for the run."""


def _fail(result: _Result, error: BaseException, display: progress.Progress) -> None:
    result.outcome = outcome.of_error(error)
    if isinstance(error, errors.NodeFailed):
        result.node = error.node
    if result.outcome is Outcome.CANCELLED:
        result.reasons = [
            "interrupted; the next run takes finished nodes from the cache"
        ]
    elif isinstance(error, errors.MillraceError):
        result.reasons = [str(error)]
    else:
        result.reasons = [f"{type(error).__name__}: {error}"[:2000]]
    if result.node:
        display.finish(result.node, "failed")


def _record_failure(
    config: Config, record: Any, result: _Result, error: BaseException
) -> None:
    """Gives MLMD what TFX leaves out: the reason, the evidence, an end."""
    from pipeline.runners.record import remove_partial_outputs

    state = _CANCELED if result.outcome is Outcome.CANCELLED else _FAILED
    remove_partial_outputs(config.artifacts_path, record.close_open(state))
    ended = [
        e for e in record.executions() if e.last_known_state in (_FAILED, _CANCELED)
    ]
    if not ended:
        return
    failed = max(ended, key=lambda execution: execution.id)
    record.describe_failure(failed.id, "\n".join(result.reasons))
    if isinstance(error, errors.DataRefused):
        folder = os.path.join(
            config.artifacts_path, "SchemaValidator", "anomalies", str(failed.id)
        )
        record.keep_evidence(failed.id, folder, error.anomalies)


def _learn(
    result: _Result,
    node: str,
    outputs: dict[str, list[Any]],
    display: progress.Progress,
) -> None:
    """Takes from a node's outputs what the summary shows."""
    if node == "StatisticsGen":
        _learn_rows(outputs["statistics"][0].uri, display)
    elif node == "Evaluator":
        uri = Path(outputs["evaluation"][0].uri)
        verdict = json.loads((uri / "verdict.json").read_text(encoding="utf-8"))
        metrics = json.loads((uri / "metrics.json").read_text(encoding="utf-8"))
        result.verdict = verdict["word"]
        result.reasons = verdict["reasons"]
        result.metrics = metrics["candidate"]
        display.nodes[node].rows = int(result.metrics["overall"]["example_count"])
    elif node == "Pusher":
        properties = outputs["pushed_model"][0].custom_properties
        result.pushed = properties["pushed_destination"].string_value or None


def _learn_rows(uri: str, display: progress.Progress) -> None:
    """How many rows each node reads, from the statistics of the splits."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    rows = {}
    for file in Path(uri).glob("Split-*/FeatureStats.pb"):
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        statistics.ParseFromString(file.read_bytes())
        split = file.parent.name.removeprefix("Split-")
        rows[split] = int(statistics.datasets[0].num_examples)
    for node in ("ExampleGen", "StatisticsGen", "SchemaValidator"):
        display.nodes[node].rows = sum(rows.values())
    for node in ("Transform", "Trainer"):
        display.nodes[node].rows = rows.get("train", 0) + rows.get("eval", 0)


def _summary(
    config: Config,
    result: _Result,
    display: progress.Progress,
    folder: runs.RunFolder,
    started: float,
    arguments: Sequence[str],
) -> dict[str, Any]:
    code = result.outcome.value
    if result.outcome is Outcome.NOT_BLESSED:
        code = config.not_blessed_exit_code
    return {
        "run_id": folder.run_id,
        "pipeline": config.pipeline_name,
        "outcome": result.outcome.name,
        "exit_code": code,
        "node": result.node,
        "seconds": round(time.monotonic() - started, 2),
        "nodes": [node.to_dict() for node in display.nodes.values()],
        "reasons": result.reasons,
        "verdict": result.verdict,
        "metrics": result.metrics,
        "pushed": result.pushed,
        "config_digest": config.digest,
        "log": str(folder.log),
        "next": _next_command(result, arguments),
    }


def _next_command(result: _Result, arguments: Sequence[str]) -> str:
    """The command that a person most likely wants now."""
    runner = "python local_runner.py"
    options = shlex.join(arguments)
    if result.outcome is Outcome.SUCCEEDED and result.pushed:
        return f"saved_model_cli show --dir {result.pushed} --all"
    if result.outcome is Outcome.DATA_REFUSED:
        return f"{runner} schema diff {options}".rstrip()
    if result.outcome in (Outcome.FAILED, Outcome.PUSH_FAILED, Outcome.CANCELLED):
        return f"{runner} resume {options}".rstrip()
    return f"{runner} run {options}".rstrip()


def _tell(config: Config, summary: dict[str, Any], folder: runs.RunFolder) -> None:
    """The Notifier's message, also for a run that never reached the Notifier."""
    if folder.message.exists():
        return
    channels.deliver(
        message.text(
            message.RunSummary(
                pipeline=config.pipeline_name,
                run_id=folder.run_id,
                outcome=summary["outcome"],
                node=summary["node"],
                reasons=tuple(summary["reasons"]),
                metrics=tuple(sorted(summary["metrics"].get("overall", {}).items())),
                pushed=summary["pushed"],
            )
        ),
        str(folder.path),
    )


def _base_run(config: Config, selection: Selection) -> str | None:
    """The newest run whose nodes before --from can be reused.

    Raises:
      UsageError: there is none.
    """
    if not selection.from_nodes:
        return None
    first = min(NODES.index(node) for node in selection.from_nodes)
    for summary in runs.summaries(config.output_root):
        states = {node["id"]: node["state"] for node in summary["nodes"]}
        good = ("done", "cached", "reused")
        before = all(states.get(node) in good for node in NODES[:first])
        if summary.get("pipeline") == config.pipeline_name and before:
            return summary["run_id"]
    raise errors.UsageError(
        f"--from {NODES[first]} reuses an earlier run's nodes before it, and no run in "
        f"{config.output_root} has them. Run once without --from."
    )


def _sampled(config: Config, files: list[Path]) -> Config:
    """With data.sample: the first rows as the data, in a pipeline of its own name.

    The name keeps a sample's models out of the real pipeline's baselines.
    """
    if config.data.sample is None:
        return config
    folder = Path(config.output_root) / "samples" / str(config.data.sample)
    preflight.sample(files, config.data.sample, folder)
    return config.model_copy(
        update={
            "pipeline_name": f"{config.pipeline_name}-sample",
            "data": config.data.model_copy(update={"path": str(folder)}),
        }
    )


def _log_to_stderr() -> None:
    """Absl shows warnings only, and only on the stream it found at import."""
    from absl import logging

    logging.use_absl_handler()
    logging.get_absl_handler().python_handler.stream = sys.stderr
    logging.set_verbosity(logging.INFO)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does: recorded, with nothing half-written."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
