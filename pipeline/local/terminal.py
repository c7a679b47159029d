"""What the terminal shows: each node while it runs, and a table at the end."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.runs.node_run import NodeRun
from pipeline.runs.summary import RunSummary
from pipeline.runs.verdict import Check

STYLES = {
    "waiting": "dim",
    "running": "bold yellow",
    "done": "green",
    "cached": "cyan",
    "reused": "cyan",
    "skipped": "dim",
    "failed": "bold red",
}


class Progress:
    """The nodes of one run, shown live on a terminal and as lines elsewhere."""

    def __init__(self, terminal: TextIO, nodes: Sequence[str], run_id: str) -> None:
        self.console = Console(file=terminal)
        self.nodes = {node: NodeRun(node) for node in nodes}
        self._started: dict[str, float] = {}
        self._run_id = run_id
        self._note = "loading TensorFlow Extended"
        self._live = Live(
            get_renderable=self._table,
            console=self.console,
            refresh_per_second=4,
            transient=True,
            # Rich would show here what goes to the log file.
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self._live.start()
        else:
            self.console.print(f"run {self._run_id}")
        return self

    def __exit__(self, *exception: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    @property
    def running(self) -> str | None:
        """The node that runs now."""
        running = [node.id for node in self.nodes.values() if node.state == "running"]
        return running[0] if running else None

    def start(self, node: str) -> None:
        """The node runs now."""
        self._note = ""
        self.nodes[node].state = "running"
        self._started[node] = time.monotonic()

    def finish(self, node: str, state: str, **facts: Any) -> None:
        """The node ended in `state`; `facts` are fields of NodeRun."""
        entry = self.nodes[node]
        entry.state = state
        if node in self._started:
            entry.seconds = time.monotonic() - self._started[node]
        for name, value in facts.items():
            setattr(entry, name, value)
        if not self.console.is_terminal:
            self.console.print(f"{node:<17}{state:<8}{entry.seconds:7.1f} s")

    def show_rows(self, rows: Mapping[str, int]) -> None:
        """Node -> rows that it reads."""
        for node, count in rows.items():
            self.nodes[node].rows = count

    def _table(self) -> Group:
        title = f"run {self._run_id}" + (f": {self._note}" if self._note else "")
        if node := self.running:
            self.nodes[node].seconds = time.monotonic() - self._started[node]
        return Group(Text(title), node_table(list(self.nodes.values())))


def node_table(
    nodes: Sequence[NodeRun], before: Mapping[str, float] | None = None
) -> Table:
    """State, seconds and rows of each node, and seconds saved by the cache.

    Args:
      nodes: in their order.
      before: node -> seconds that it took the last time; a column if there are any.
    """
    table = Table(box=None)
    table.add_column("node")
    table.add_column("state")
    table.add_column("seconds", justify="right")
    if before:
        table.add_column("before", justify="right")
    table.add_column("rows", justify="right")
    table.add_column("saved", justify="right")
    for node in nodes:
        table.add_row(
            node.id,
            f"[{STYLES[node.state]}]{node.state}[/]",
            f"{node.seconds:.1f}" if node.seconds else "",
            *([_seconds(before.get(node.id))] if before else ()),
            f"{node.rows:,}" if node.rows is not None else "",
            f"{node.saved_s:.1f} s" if node.saved_s else "",
        )
    return table


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def print_summary(console: Console, summary: RunSummary) -> None:
    """The end of a run: nodes, outcome, reasons, metrics, model, what to type next."""
    console.print(f"run {summary.run_id}", highlight=False)
    console.print(node_table(summary.nodes, summary.seconds_before))
    style = "bold green" if summary.succeeded else "bold red"
    at = f" at {summary.node}" if summary.node else ""
    at += ", overridden" * bool(summary.overridden)
    console.print(f"\n[{style}]{summary.outcome}[/]{at} in {summary.seconds:.0f} s")
    for reason in summary.reasons:
        console.print(f"  {escape(reason)}", highlight=False, soft_wrap=True)
    _print_facts(console, summary)


def _print_facts(console: Console, summary: RunSummary) -> None:
    for name, value in _facts(summary):
        # Never wrapped: paths and commands are there to be copied.
        console.print(f"  {name:<12} {escape(value)}", highlight=False, soft_wrap=True)


def _facts(summary: RunSummary) -> Iterator[tuple[str, str]]:
    if summary.verdict:
        passed = len(summary.checks) - len(summary.failing)
        counted = f"{passed} of {len(summary.checks)} checks passed"
        yield "verdict", f"{summary.verdict}, {counted}"
    if any(summary.unlabelled.values()):
        left = (f"{k} {v:,}" for k, v in summary.unlabelled.items() if v)
        yield "left out", f"rows without a label: {', '.join(left)}"
    for each in summary.not_numbers:
        yield "as missing", str(each)
    for rival in summary.rivals:
        yield "beside", str(rival)
    for line in summary.not_judged:
        yield "not judged", line
    if summary.overall:
        values = (f"{k} {v:.4g}" for k, v in sorted(summary.overall.items()))
        yield "metrics", ", ".join(values)
    if summary.overridden:
        yield "overridden", summary.overridden
    if summary.pushed:
        yield "pushed", summary.pushed
    if summary.same_as:
        number = os.path.basename(summary.same_as)
        yield "not pushed", f"the same files as version {number}"
    saved = sum(node.saved_s for node in summary.nodes)
    if saved:
        yield "cache saved", f"{saved:.0f} s"
    for line in summary.told:
        yield "notified", line
    if summary.report:
        yield "report", summary.report
    yield "log", summary.log
    yield "next", summary.next


def print_unchanged(console: Console, summary: RunSummary, command: str) -> None:
    """Nothing was run, on which run the answer relies, and how to run anyway."""
    console.print(
        f"[bold green]{summary.outcome}[/]: nothing changed since run "
        f"{summary.run_id}; nothing was run",
        highlight=False,
    )
    _print_facts(console, dataclasses.replace(summary, next=command))


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """Every bound that the model was held to, with both models' values."""
    table = Table(box=None)
    for column in ("slice", "metric"):
        table.add_column(column)
    for column in ("candidate", "baseline", "difference"):
        table.add_column(column, justify="right")
    for column in ("needs", "verdict"):
        table.add_column(column)
    for check in checks:
        values = (check.candidate, check.baseline, check.difference)
        table.add_row(
            escape(check.slice),
            check.metric,
            *("" if value is None else f"{value:.4f}" for value in values),
            escape(check.bound),
            "[green]passed[/]" if check.passed else "[bold red]failed[/]",
        )
    if checks:
        console.print()
        console.print(table)


def runs_table(summaries: Iterable[RunSummary]) -> Table:
    """A line for each run."""
    table = Table(box=None)
    for name in ("run", "pipeline", "outcome", "node", "seconds", "auc", "pushed"):
        # Whole, however narrow: a person copies it, a program looks for it.
        table.add_column(name, overflow="fold", no_wrap=name in ("run", "outcome"))
    for summary in summaries:
        auc = summary.overall.get("auc")
        table.add_row(
            summary.run_id,
            summary.pipeline,
            summary.outcome + ", overridden" * bool(summary.overridden),
            summary.node or "",
            f"{summary.seconds:.0f}",
            "" if auc is None else f"{auc:.4f}",
            os.path.basename(summary.pushed or ""),
        )
    return table
