"""A job's tasks with what they took: a table for people, JSON for machines."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from pipeline.reports import numbers
from pipeline.vertex.runs import progress
from pipeline.vertex.runs.spending import Bill

SCHEMA = "millrace-status-1"
"""A change that breaks a reader counts it up."""


def table(bill: Bill) -> Table:
    """State, seconds, machine-hours and money of each task, and their sum."""
    shown = Table(box=None)
    shown.add_column("task")
    shown.add_column("state")
    for name in ("seconds", "machine-hours", *_currency(bill)):
        shown.add_column(name, justify="right")
    shown.add_column("error", overflow="fold")
    for task in bill.tasks:
        shown.add_row(
            task.name,
            progress.styled(task.state),
            *_figures(bill, task.seconds, task.hours, task.amount),
            escape(task.error) if task.state == "failed" else "",
        )
    shown.add_section()
    whole = _figures(bill, bill.seconds, bill.hours, bill.amount)
    shown.add_row("whole run", "", *whole, "", style="bold")
    return shown


def compared(bill: Bill, before: Bill) -> str:
    """Time and money against the run before, on a line."""
    parts = []
    if bill.seconds is not None and before.seconds is not None:
        parts.append(
            f"{numbers.seconds(before.seconds)}, this one "
            f"{_difference(bill.seconds - before.seconds, 'slower', 'faster')}"
        )
    parts.append(f"{before.hours:.2f} machine-hours")
    if bill.amount is not None and before.amount is not None:
        more = bill.amount - before.amount
        sign = "+" if more >= 0 else "-"
        parts.append(
            f"{numbers.money(before.amount, bill.currency)}, this one "
            f"{sign}{abs(more):,.2f}"
        )
    return f"the run before, {before.run}: {'; '.join(parts)}"


def to_dict(bill: Bill) -> dict[str, object]:
    """Run, tasks, sums; what is not known is null."""
    return {
        "run": bill.run,
        "seconds": bill.seconds,
        "machine_hours": _rounded(bill.hours),
        "amount": _rounded(bill.amount),
        "currency": bill.currency or None,
        "tasks": [
            {
                "task": task.name,
                "state": task.state,
                "seconds": task.seconds,
                "machine_hours": _rounded(task.hours),
                "amount": _rounded(task.amount),
                "error": task.error or None,
            }
            for task in bill.tasks
        ],
    }


def _currency(bill: Bill) -> list[str]:
    return [] if bill.amount is None else [bill.currency]


def _figures(
    bill: Bill, seconds: float | None, hours: float | None, amount: float | None
) -> list[str]:
    found = [_text(seconds, ".0f"), _text(hours, ".2f")]
    return found if bill.amount is None else [*found, _text(amount, ",.2f")]


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _difference(seconds: float, more: str, less: str) -> str:
    if round(seconds) == 0:
        return "as long"
    return f"{numbers.seconds(abs(seconds))} {more if seconds > 0 else less}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
