"""What the terminal shows: each node while it runs, and a table at the end."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

STYLES = {
    "waiting": "dim",
    "running": "bold yellow",
    "done": "green",
    "cached": "cyan",
    "reused": "cyan",
    "skipped": "dim",
    "failed": "bold red",
}


@dataclasses.dataclass
class NodeState:
    """What is known of one node so far."""

    id: str
    state: str = "waiting"
    seconds: float = 0.0
    saved_s: float = 0.0
    """Seconds that the cached execution took when it ran."""

    rows: int | None = None
    execution_id: int | None = None
    started: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """For the summary; what never ran read no rows."""
        value = dataclasses.asdict(self)
        del value["started"]
        if self.state == "waiting":
            value["rows"] = None
        return {**value, "seconds": round(self.seconds, 2)}


class Progress:
    """The nodes of one run, shown live on a terminal and as lines elsewhere."""

    def __init__(self, terminal: TextIO, nodes: Sequence[str], run_id: str) -> None:
        self.console = Console(file=terminal)
        self.nodes = {node: NodeState(node) for node in nodes}
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
        self.nodes[node].started = time.monotonic()

    def finish(self, node: str, state: str, **facts: Any) -> None:
        """The node ended in `state`; `facts` are fields of NodeState."""
        entry = self.nodes[node]
        entry.state = state
        if entry.started:
            entry.seconds = time.monotonic() - entry.started
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
        return Group(Text(title), node_table(list(self.nodes.values())))


def node_table(
    nodes: Sequence[NodeState], before: Mapping[str, float] | None = None
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
        seconds = node.seconds
        if node.state == "running":
            seconds = time.monotonic() - node.started
        table.add_row(
            node.id,
            f"[{STYLES[node.state]}]{node.state}[/]",
            f"{seconds:.1f}" if seconds else "",
            *([_seconds(before.get(node.id))] if before else ()),
            f"{node.rows:,}" if node.rows is not None else "",
            f"{node.saved_s:.1f} s" if node.saved_s else "",
        )
    return table


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def print_summary(console: Console, summary: dict[str, Any]) -> None:
    """The end of a run: nodes, outcome, reasons, metrics, model, what to type next."""
    fields = [field.name for field in dataclasses.fields(NodeState)]
    nodes = [
        NodeState(**{key: value for key, value in node.items() if key in fields})
        for node in summary["nodes"]
    ]
    console.print(f"run {summary['run_id']}", highlight=False)
    console.print(node_table(nodes, summary.get("seconds_before")))
    good = summary["outcome"] == "SUCCEEDED"
    style = "bold green" if good else "bold red"
    at = f" at {summary['node']}" if summary["node"] else ""
    at += ", overridden" * ("overridden" in summary)
    console.print(
        f"\n[{style}]{summary['outcome']}[/]{at} in {summary['seconds']:.0f} s"
    )
    for reason in summary["reasons"]:
        console.print(f"  {escape(reason)}", highlight=False, soft_wrap=True)
    for name, value in _facts(summary):
        # Never wrapped: paths and commands are there to be copied.
        console.print(f"  {name:<12} {escape(value)}", highlight=False, soft_wrap=True)


def _facts(summary: dict[str, Any]) -> list[tuple[str, str]]:
    facts = []
    if summary["verdict"]:
        checks = summary["checks"]
        passed = sum(check["passed"] for check in checks)
        counted = f"{passed} of {len(checks)} checks passed"
        facts.append(("verdict", f"{summary['verdict']}, {counted}"))
    overall = summary["metrics"].get("overall", {})
    if overall:
        facts.append(
            ("metrics", ", ".join(f"{k} {v:.4g}" for k, v in sorted(overall.items())))
        )
    if summary.get("overridden"):
        facts.append(("overridden", summary["overridden"]))
    if summary["pushed"]:
        facts.append(("pushed", summary["pushed"]))
    if summary.get("same_as"):
        number = os.path.basename(summary["same_as"])
        facts.append(("not pushed", f"the same files as version {number}"))
    saved = sum(node["saved_s"] for node in summary["nodes"])
    if saved:
        facts.append(("cache saved", f"{saved:.0f} s"))
    facts += [("told", line) for line in summary.get("told", [])]
    if summary.get("report"):
        facts.append(("report", summary["report"]))
    facts.append(("log", summary["log"]))
    facts.append(("next", summary["next"]))
    return facts


def print_unchanged(console: Console, summary: dict[str, Any], command: str) -> None:
    """Nothing was run, on which run the answer relies, and how to run anyway."""
    console.print(
        f"[bold green]{summary['outcome']}[/]: nothing changed since run "
        f"{summary['run_id']}; nothing was run",
        highlight=False,
    )
    for name, value in _facts({**summary, "next": command}):
        console.print(f"  {name:<12} {escape(value)}", highlight=False, soft_wrap=True)


def print_checks(console: Console, summary: dict[str, Any]) -> None:
    """Every bound that the model was held to, with both models' values."""
    table = Table(box=None)
    for column in ("slice", "metric"):
        table.add_column(column)
    for column in ("candidate", "baseline", "difference"):
        table.add_column(column, justify="right")
    for column in ("needs", "verdict"):
        table.add_column(column)
    for check in summary["checks"]:
        values = (check[key] for key in ("candidate", "baseline", "difference"))
        table.add_row(
            escape(check["slice"]),
            check["metric"],
            *("" if value is None else f"{value:.4f}" for value in values),
            escape(check["bound"]),
            "[green]passed[/]" if check["passed"] else "[bold red]failed[/]",
        )
    if summary["checks"]:
        console.print()
        console.print(table)


def runs_table(summaries: Sequence[dict[str, Any]]) -> Table:
    """A line for each run."""
    table = Table(box=None)
    for name in ("run", "pipeline", "outcome", "node", "seconds", "auc", "pushed"):
        # Whole, however narrow: a person copies it, a program looks for it.
        table.add_column(name, overflow="fold", no_wrap=name in ("run", "outcome"))
    for summary in summaries:
        auc = summary.get("metrics", {}).get("overall", {}).get("auc")
        table.add_row(
            summary["run_id"],
            summary.get("pipeline", ""),
            summary["outcome"] + ", overridden" * ("overridden" in summary),
            summary.get("node") or "",
            f"{summary.get('seconds', 0):.0f}",
            "" if auc is None else f"{auc:.4f}",
            os.path.basename(summary.get("pushed") or ""),
        )
    return table
