"""The life of a run on this machine, from the lock to the summary."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline import recorded
from pipeline.code import fingerprint, parts, version
from pipeline.config.config import Config
from pipeline.data import preflight
from pipeline.errors import DataRefused, StoreAway, UsageError
from pipeline.interrupts import Interrupts
from pipeline.local import exits, log_file, next_command, terminal, unchanged
from pipeline.local.selection import NODES, Selection
from pipeline.metadata import connections, ownership, process
from pipeline.nodes import EVALUATOR, PUSHER, STATISTICS_GEN, TRAINER
from pipeline.notifications import notify
from pipeline.platforms import settings
from pipeline.reports import write
from pipeline.runs import folder, outcome, start, summary
from pipeline.runs.facts import RunFacts
from pipeline.runs.outcome import Outcome
from pipeline.runs.start import RunStart
from pipeline.runs.summary import RunSummary

if TYPE_CHECKING:
    from pipeline.local.results import Results
    from pipeline.metadata.run_record import Record

# Whatever imports TFX is imported inside functions: ten seconds, paid only by a run.

# That it started is told before how it ended; but not at any price.
_FOR_THE_START_S = 10.0

# How long the end waits for a store that somebody has locked.
_FOR_A_LOCK_S = 60.0

# What a run keeps in its own folder is no news at its end.
_QUIET = ("log", "file")


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
    # Data without a column of the schema begin a run, which refuses them on record.
    preflight.check_columns(config, ())
    folder.require_store(config)
    connections.require_writable(config.store)
    digest = unchanged.inputs_digest(config, files)
    asked_again = not (force or selection.is_partial)
    if asked_again and (earlier := unchanged.relied_on(config, digest)):
        folder.confirm(config.output_root, earlier.run_id)
        command = next_command.of("run --force", arguments)
        terminal.print_unchanged(Console(), earlier, command)
        return Outcome.SUCCEEDED.value
    with folder.locked(config.output_root), Interrupts() as interrupts:
        this = LocalRun(config, files, selection, arguments, digest)
        with this.begun(trigger):
            this.execute(interrupts)
            found = this.announced(this.settled())
        with log_file.screen() as screen:
            terminal.print_summary(Console(file=screen), found)
    return found.exit_code or Outcome.SUCCEEDED.value


class LocalRun:
    """One run: begun, executed, settled, announced, in this order.

    Args of the constructor:
      config: everything it depends on.
      files: of the data.
      selection: which nodes.
      arguments: the command line's options.
      digest: of all its inputs.

    Raises:
      UsageError: the nodes before the selection are not there, or the output root
        cannot be written.
    """

    def __init__(
        self,
        config: Config,
        files: Sequence[Path],
        selection: Selection,
        arguments: Sequence[str],
        digest: str,
    ) -> None:
        self._asked = config
        self._base_run_id = selection.base_run(config)
        self._folder = folder.new_run(config.output_root)
        # The name keeps a sample's models out of the real pipeline's baselines.
        self._config = config.model_copy(update={"pipeline_name": config.run_name})
        self._selection, self._arguments, self._digest = selection, arguments, digest
        self._error: BaseException | None = None
        """What ended it early."""
        self._node: str | None = None
        """Where it ended early."""
        self._started = time.monotonic()

    @contextlib.contextmanager
    def begun(self, trigger: str) -> Iterator[None]:
        """Says that it runs, to whoever wants to know; the display is there inside."""
        self._folder.write_json(folder.CONFIG_FILE, self._asked.model_dump(mode="json"))
        self._first_words = self._words_of_the_start(trigger)
        self._telling = self._tell_of_the_start()
        with (
            log_file.captured(self._folder.log) as screen,
            terminal.Progress(screen, NODES, self._folder.run_id) as self._display,
        ):
            yield

    def execute(self, interrupts: Interrupts) -> None:
        """Launches the nodes in turn; keeps what ended it early, and raises nothing."""
        try:
            with interrupts.allowed(), exits.raised():
                self._launch_all()
        except BaseException as error:
            traceback.print_exc()
            self._error, self._node = error, self._display.running

    def settled(self) -> RunSummary:
        """Finds the outcome, and tells MLMD.

        When the store cannot be used any more, or the disk is full, people and the
        folder still learn it.
        """
        try:
            return self._patiently_recorded()
        except Exception as error:
            traceback.print_exc()
            return self._not_recorded(error)

    def _patiently_recorded(self) -> RunSummary:
        """Somebody who copies the store, or asks it for long, may have locked it."""
        until = time.monotonic() + _FOR_A_LOCK_S
        while True:
            try:
                return self._recorded()
            except Exception as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(1)

    def _not_recorded(self, error: Exception) -> RunSummary:
        from pipeline.local.results import Results

        if self._node and self._node == self._display.running:
            self._display.finish(self._node, "failed")
        result = outcome.of_error(self._error or error)
        words = outcome.words(error)
        reasons = [*self._reasons, f"{words}. This end of the run is not in MLMD"]
        with contextlib.suppress(Exception):  # the folder may be what cannot be read
            if version := self._moved_in():
                reasons.append(
                    f"version {version} was pushed; the next run puts it on record"
                )
        return self._summary(result, self._node, reasons, Results())

    def _moved_in(self) -> str:
        """The version that this run pushed, as the registry knows it; '' is none."""
        registry = settings.registry(self._config, "local").opened()
        moves = registry.moves() if registry else []
        mine = (m for m in moves if m.finished and m.run_id == self._folder.run_id)
        return next((move.pushed for move in mine), "")

    def announced(self, found: RunSummary) -> RunSummary:
        """Tells people, writes the summary and draws the page."""
        self._telling.join(_FOR_THE_START_S)
        try:
            told = self._tell_of_the_end(found)
        except Exception as error:
            traceback.print_exc()
            told = [f"people were not told: {outcome.words(error)}"]
        found = self._kept(dataclasses.replace(found, told=tuple(told)))
        missing = write.attempt(self._config.output_root, found.run_id)
        if missing:
            found = dataclasses.replace(found, report=f"none: {missing}")
            found = self._kept(found)
        return found

    def _kept(self, found: RunSummary) -> RunSummary:
        """Writes the summary; a run of which none could be written did not succeed."""
        try:
            self._folder.write_json(summary.FILE, found.to_dict())
        except OSError as error:
            words = f"the summary could not be written: {outcome.words(error)}"
            if words not in found.reasons:
                found = dataclasses.replace(found, reasons=(*found.reasons, words))
            if found.succeeded:
                failed = Outcome.FAILED
                found = dataclasses.replace(
                    found, outcome=failed.name, exit_code=failed.value
                )
        return found

    def _words_of_the_start(self, trigger: str) -> dict[str, str]:
        """What is recorded before anything can go wrong; no secret among it."""
        asked = self._asked
        return {
            **version.surroundings(trigger),
            recorded.RunKey.PIPELINE: self._config.pipeline_name,
            recorded.RunKey.STARTED: f"{time.time():.3f}",
            recorded.RunKey.PROCESS: process.this(),
            recorded.RunKey.OUTPUT_ROOT: ownership.root_id(asked.output_root),
            recorded.RunKey.CONFIG: json.dumps(asked.model_dump(mode="json")),
            recorded.RunKey.CONFIG_DIGEST: asked.digest,
            recorded.RunKey.INPUTS_DIGEST: self._digest,
        }

    def _tell_of_the_start(self) -> threading.Thread:
        """Leaves the Notifier what only the runner knows; tells who wants it now."""
        begun = RunStart(
            started=time.time(),
            code=version.version(),
            next=next_command.of(f"runs {self._folder.run_id}", self._arguments),
            log=str(self._folder.log),
            report=self._page,
            partial=self._selection.is_partial,
        )
        self._folder.write_json(start.FILE, begun.to_dict())
        # Whoever is told that it started would find no report yet.
        now = dataclasses.replace(begun, report="")
        facts = RunFacts(
            pipeline=self._config.pipeline_name,
            run_id=self._folder.run_id,
            outcome="STARTED",
        ).since(now)
        # A slow channel does not keep the run from starting.
        thread = threading.Thread(
            target=notify.notify,
            args=(facts, self._config.notifications, self._folder.path.parent),
            daemon=True,
        )
        thread.start()
        return thread

    def _launch_all(self) -> None:
        from pipeline.components import pusher
        from pipeline.local import launch, override, settlement
        from pipeline.local.results import rows_of
        from pipeline.metadata.run_record import Record

        config = self._config
        _log_to_stderr()
        # TensorFlow's and Beam's modules are looked through at each collection, and
        # none of them ever becomes garbage.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        record = Record(config, self._folder.run_id)
        record.begin_run(self._first_words)
        for line in (*override.settle(config), *settlement.settle(config)):
            self._display.console.print(line, markup=False)
        self._keep_moves()
        record.close_open("FAILED")
        record.forget_missing()

        graph = launch.compiled(config)
        parts.keep(config.output_root, fingerprint.all_code_files())
        if self._selection.is_partial:
            launch.select(graph, self._selection, self._base_run_id)
        launcher = launch.Launcher(
            graph,
            self._folder.run_id,
            record,
            config.cache.is_thorough,
            lambda line: self._display.console.print(line, markup=False),
        )
        try:
            for node, decided in launcher.nodes():
                if decided:
                    self._display.finish(node, decided)
                    continue
                self._display.start(node)
                if node == TRAINER:
                    # Pusher will ask the model in a process that is slow to start.
                    pusher.prepare_check()
                state, execution = launcher.launch(node)
                saved = record.saved_seconds(execution) if state == "cached" else 0.0
                self._display.finish(node, state, saved_s=saved, execution_id=execution)
                if node == STATISTICS_GEN:
                    self._display.show_rows(rows_of(record))
        finally:
            pusher.discard_checks()

    def _keep_moves(self) -> None:
        from pipeline.lineage.moves import ChampionMoves

        config = self._config
        if registry := settings.registry(config, "local").opened():
            ChampionMoves(registry, config.store, config.pipeline_name).settle()

    def _recorded(self) -> RunSummary:
        from pipeline.local.results import results_of
        from pipeline.metadata.run_record import Record

        # Opened anew: the store may be there again that was away when a node failed.
        record = Record(self._config, self._folder.run_id)
        late = self._error is not None and self._came_too_late(record)
        results = results_of(record)
        result, node, reasons = Outcome.SUCCEEDED, self._node, self._reasons
        if late:
            node, reasons = None, []
        elif self._error is not None:
            result = outcome.of_error(self._error)
            reasons = [*reasons, *self._bad_rows()]
            self._record_failure(record, result)
            if node:
                self._display.finish(node, "failed")
        elif results.verdict and not results.verdict.blessed:
            result, node = Outcome.NOT_BLESSED, EVALUATOR
            reasons = results.verdict.reasons
        self._display.show_rows(results.rows)
        found = self._summary(result, node, reasons, results)
        record.describe_run(
            {
                recorded.RunKey.OUTCOME: found.outcome,
                recorded.RunKey.OUTCOME_NODE: found.node or "",
                recorded.RunKey.REASONS: json.dumps(found.reasons),
                recorded.RunKey.ENDED: f"{time.time():.3f}",
                recorded.RunKey.PARTIAL: str(found.partial).lower(),
                recorded.RunKey.NODES: json.dumps([n.to_dict() for n in found.nodes]),
            }
        )
        for each in self._display.nodes.values():
            if each.execution_id is not None:
                work = results.work[each.id]
                record.describe_work(each.execution_id, each.seconds, work)
        return found

    def _came_too_late(self, record: Record) -> bool:
        """Whether what ended the run did so when its model was already moved in.

        Then the record of the push is completed: the registry's move is what counts.
        """
        from pipeline.local import settlement

        move = settlement.complete(record, self._config) or settlement.effective(
            record.run_id, record.parameters_of(PUSHER), "push"
        )
        interrupted = isinstance(self._error, KeyboardInterrupt)
        if move is None or not (interrupted or self._node == PUSHER):
            return False
        record.close_open("CANCELED")
        if self._node:
            self._display.finish(
                self._node, "done" if self._node == PUSHER else "skipped"
            )
        words = outcome.words(self._error) if self._error else ""
        self._display.console.print(
            f"it came too late: version {move.pushed} was pushed ({words})",
            markup=False,
        )
        return True

    def _summary(
        self,
        result: Outcome,
        node: str | None,
        reasons: Sequence[str],
        results: Results,
    ) -> RunSummary:
        config, run_id = self._config, self._folder.run_id
        refused = result is Outcome.NOT_BLESSED
        said = RunSummary(
            run_id=run_id,
            pipeline=config.pipeline_name,
            outcome=result.name,
            exit_code=config.not_blessed_exit_code if refused else result.value,
            node=node,
            reasons=tuple(reasons),
            nodes=tuple(self._display.nodes.values()),
            config_digest=config.digest,
            inputs_digest=self._digest,
            partial=self._selection.is_partial,
            seconds=round(time.monotonic() - self._started, 2),
            seconds_before=folder.seconds_before(
                config.output_root, run_id, config.pipeline_name, NODES
            ),
            log=str(self._folder.log),
            report=self._page,
            next=next_command.after(result, run_id, self._arguments),
        )
        return results.added_to(said)

    def _record_failure(self, record: Record, result: Outcome) -> None:
        """Gives MLMD what TFX leaves out: an end, the reason, the evidence."""
        record.close_open("CANCELED" if result is Outcome.CANCELLED else "FAILED")
        failed = record.last_failed()
        if failed is None:
            return
        record.describe_failure(failed, "\n".join(self._reasons))
        if isinstance(self._error, DataRefused):
            record.keep_evidence(failed, self._error.anomalies)

    def _bad_rows(self) -> list[str]:
        """Refused data's first bad rows, where the files can tell."""
        if not isinstance(self._error, DataRefused):
            return []
        files = preflight.data_files(self._config.data)
        return preflight.not_numbers(files, self._error.not_numbers)

    def _tell_of_the_end(self, found: RunSummary) -> list[str]:
        """Tells people, unless the Notifier did; a line for each channel worth one."""
        from pipeline.metadata.run_record import Record

        runs = self._folder.path.parent
        begun = dataclasses.replace(start.read(runs, found.run_id), next=found.next)
        facts = RunFacts.of_summary(found, ended=time.time()).since(begun)
        deliveries = notify.notify(facts, self._config.notifications, runs)
        with contextlib.suppress(StoreAway, UsageError):  # the summary says so already
            told = json.dumps([vars(delivery) for delivery in deliveries])
            record = Record(self._config, found.run_id)
            record.describe_run({recorded.RunKey.TOLD: told})
        worth_a_line = [
            each
            for each in deliveries
            if each.kind not in _QUIET or each.outcome != "sent"
        ]
        lines = [str(delivery) for delivery in worth_a_line]
        if any(delivery.outcome == "waiting" for delivery in worth_a_line):
            flush = next_command.of("notify flush", self._arguments)
            lines.append(f"to send what waits: {flush}")
        return lines

    @property
    def _page(self) -> str:
        return str(self._folder.path / write.FILE)

    @property
    def _reasons(self) -> list[str]:
        """What ended it early, in words."""
        return [] if self._error is None else [outcome.words(self._error)]


def _log_to_stderr() -> None:
    """Absl shows warnings only, and only on the stream it found at import."""
    from absl import logging

    logging.use_absl_handler()
    logging.get_absl_handler().python_handler.stream = sys.stderr
    logging.set_verbosity(logging.INFO)
