"""The page of a run: what was collected in, HTML out; no I/O but the templates."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2

from pipeline.config import layers
from pipeline.config.vertex import VertexConfig
from pipeline.nodes import EXAMPLE_GEN, TRANSFORM
from pipeline.reports import charts, cost, curves, graph, numbers, statistics, training
from pipeline.reports.collect import Report, Run
from pipeline.reports.statistics import Column
from pipeline.runs.not_numbers import counted

# More than a person reads; beyond, a page says how many more there are.
MAX_COLUMNS = 30
MAX_LISTED = 120
MAX_SLICES = 30
MAX_LISTED_SLICES = 200
MAX_REASONS = 20
MAX_SETTINGS = 400

_FEW_LINES = 4

LOOKS = ("", "second", "third")
"""Most lines in one picture; a fourth could not be told apart."""


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.reports"),
        autoescape=jinja2.select_autoescape(["html", "html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "metric", "change", "span", "share", "seconds", "moment"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters |= {
        "clip": clip,
        "parts": parts_of,
        "rows": statistics.rows_of,
        "tojson_text": lambda value: json.dumps(value, ensure_ascii=False),
        "words": words,
        "first_lines": first_lines,
    }
    environment.globals |= {
        "axis_of": charts.axis_of,
        "bar": charts.bar,
        "distribution": charts.distribution,
        "interval": charts.interval,
        "looks": LOOKS,
        "max_columns": MAX_COLUMNS,
        "max_listed": MAX_LISTED,
        "max_listed_slices": MAX_LISTED_SLICES,
        "max_reasons": MAX_REASONS,
        "max_settings": MAX_SETTINGS,
        "max_slices": MAX_SLICES,
    }
    return environment


def page(report: Report) -> str:
    """The whole page."""
    run = report.run
    evaluation = run.evaluation
    return render(
        "report.html.j2",
        report=report,
        sentence=_sentence(run),
        passed_checks=len(run.summary.checks) - len(run.summary.failing),
        rows=sum(map(statistics.rows_of, run.splits.values())),
        version=(run.summary.pushed or "").rstrip("/").rsplit("/", 1)[-1],
        parts=list(_parts(run)),
        has_baseline=bool(
            evaluation and evaluation.overall.measures["auc"].baseline is not None
        ),
        figures=curves.of(evaluation) if evaluation else [],
        training=training.of(run.epochs),
        before_words=_before(report),
        columns=_columns(report),
        order_words=_order(report),
        split_names=list(run.splits),
        moved=report.moved,
        longest=max((node.seconds for node in run.summary.nodes), default=0),
        seconds_before=_seconds(report.before),
        graph=graph.picture(run.nodes),
        commands=list(_commands(run)),
        settings=list(layers.leaves(run.config)),
        source=_source(run),
        **_cost(run),
    )


def render(template: str, **values: Any) -> str:
    """A template of this package, filled in."""
    return _environment().get_template(template).render(values)


def clip(text: Any, limit: int) -> str:
    """At most so many characters, on the page's own lines."""
    words = str(text)
    return (
        words if len(words) <= limit else f"{words[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"
    )


def first_lines(text: str) -> str:
    """All of a few lines, the first of many."""
    lines = text.strip().splitlines()
    return text.strip() if len(lines) <= _FEW_LINES else lines[0]


def parts_of(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """The first ones that are always shown, and the rest, if there is one."""
    return [items[:size], *([items[size:]] if len(items) > size else [])]


def words(metric: str) -> str:
    """A metric as one reads it."""
    return {"auc": "AUC"}.get(metric, metric.replace("_", " "))


def _sentence(run: Run) -> str:
    summary = run.summary
    if summary.outcome == "DATA_REFUSED" and summary.node == EXAMPLE_GEN:
        return "The data cannot be read as the curated schema has it; none was used."
    if summary.outcome == "DATA_REFUSED":
        return "The data do not fit the curated schema; nothing was trained."
    if summary.overridden:
        return f"The model was refused, and pushed all the same {summary.overridden}"
    if summary.outcome == "NOT_BLESSED":
        return "The model is not good enough, and was not pushed."
    if summary.outcome == "PUSH_FAILED":
        return "The model is good enough, and does not serve as it should."
    if summary.outcome == "CANCELLED":
        return "It was interrupted; the next run takes up what was finished."
    if not summary.succeeded:
        return "A component failed."
    if summary.pushed:
        return f"Every check passed, and the model was pushed to {summary.pushed}."
    if summary.same_as:
        number = summary.same_as.rstrip("/").rpartition("/")[2]
        return f"Every check passed; these are the same files as version {number}."
    if summary.verdict:
        return "Every check passed; the model was not pushed."
    return "What was asked for ran to its end."


def _parts(run: Run) -> Iterator[tuple[str, str]]:
    """Name and anchor of each part that the page has."""
    if run.evaluation:
        yield "Evaluation", "evaluation"
        if run.evaluation.importance["features"]:
            yield "Importance", "importance"
    if run.epochs:
        yield "Training", "training"
    if run.splits or run.anomalies:
        yield "Data", "data"
    if run.vocabularies:
        yield TRANSFORM, "transform"
    yield "Time", "time"
    if run.nodes:
        yield "Lineage", "lineage"
    yield "Who was notified", "people"
    yield "Run it again", "again"


def _before(report: Report) -> str:
    if report.before is None or not report.before.splits:
        return ""
    if report.same_data:
        return f"The same data as in run {report.before.id}."
    rows = [
        sum(map(statistics.rows_of, run.splits.values()))
        for run in (report.run, report.before)
    ]
    more = numbers.more(rows[0] - rows[1])
    return (
        f"{more} rows against run {report.before.id}. Moved: how far train is from "
        "that run's, L-infinity for words, Jensen-Shannon divergence for numbers."
    )


@dataclasses.dataclass(frozen=True)
class _Row:
    """A column of all splits in the table."""

    name: str
    splits: Mapping[str, Column]
    values: str
    mean: str
    missing: float
    odd: tuple[str, ...]
    """What counts as missing in each split, in words."""


def _columns(report: Report) -> list[_Row]:
    """What a person should look at first, first: anomalies, movers, what matters."""
    run = report.run
    odd = {anomaly.feature for anomaly in run.anomalies}
    far = report.moved
    evaluation = run.evaluation
    features = evaluation.importance["features"] if evaluation else ()
    weight = {each["feature"]: each["loss"] for each in features}
    names = {name for columns in run.splits.values() for name in columns}
    ordered = sorted(
        names, key=lambda n: (n not in odd, -far.get(n, 0), -weight.get(n, -1), n)
    )
    return [_row(name, run.splits) for name in ordered]


def _order(report: Report) -> str:
    moved = ", what moved most" if report.moved else ""
    return f"First what is anomalous{moved}, then what the answers rest on."


def _row(name: str, splits: statistics.Splits) -> _Row:
    columns = {s: found[name] for s, found in splits.items() if name in found}
    first = next(iter(columns.values()))
    mean = ""
    if first.is_number and first.present and first.mean is not None:
        mean = f"{numbers.quantity(first.mean)} ± {numbers.quantity(first.deviation)}"
    odd = tuple(
        f"{counted(column.nan, column.infinite)} in {split}"
        for split, column in columns.items()
        if column.nan or column.infinite
    )
    return _Row(name, columns, _values(first), mean, first.missing, odd)


def _values(column: Column) -> str:
    """The range of numbers, the most frequent words."""
    if not column.present:
        return "none"
    if column.is_number:
        ends = (column.min, column.median, column.max)
        low, median, high = map(numbers.quantity, ends)
        return f"{low} to {high}, median {median}"
    total = sum(column.values.values()) or 1
    shown = [
        f"{clip(value, 30)} {numbers.share(rows / total)}"
        for value, rows in list(column.values.items())[:3]
    ]
    return f"{numbers.count(column.unique)}: {', '.join(shown)}"


def _seconds(run: Run | None) -> dict[str, float]:
    nodes = run.summary.nodes if run else ()
    return {node.id: node.seconds for node in nodes if node.seconds}


def _cost(run: Run) -> Mapping[str, object]:
    """Of a run on Vertex; here a second costs nothing that one could look up."""
    if not _is_on_vertex(run) or not run.config.get("vertex"):
        return {"cost": None, "cost_words": ""}
    vertex = VertexConfig.model_validate(run.config["vertex"])
    took = {node.id: node.seconds for node in run.summary.nodes}
    try:
        tasks, total = cost.of_run(took, vertex)
    except ValueError as error:
        return {"cost": None, "cost_words": str(error)}
    assert vertex.prices is not None
    unit = vertex.prices.currency
    written = {node: numbers.money(each.amount, unit) for node, each in tasks.items()}
    return {
        "cost": {"nodes": written, "total": numbers.money(total.amount, unit)},
        "cost_words": f"{total.hours:.2f} machine-hours at the prices of the "
        "configuration (vertex.prices).",
    }


def _is_on_vertex(run: Run) -> bool:
    return run.summary.provider == "vertex"


def _source(run: Run) -> str:
    log = run.start.log
    return (log if _is_on_vertex(run) else log.rpartition("/")[0]) or run.id


def _commands(run: Run) -> Iterator[str]:
    commit = run.code.removeprefix("commit ").removesuffix("-dirty")
    if commit:
        yield f"git checkout {shlex.quote(commit)}"
    if _is_on_vertex(run):
        yield f"python vertex_runner.py lineage reproduce {shlex.quote(run.id)}"
        return
    folder = run.start.log.rpartition("/")[0]
    config = shlex.quote(f"{folder}/config.json")
    yield f"python local_runner.py run --force --config {config}"
