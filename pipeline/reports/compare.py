"""Several runs, side by side: only what differs of what went in, all that came out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from rich.table import Table
from rich.text import Text
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline import files
from pipeline.config import layers
from pipeline.errors import UsageError
from pipeline.nodes import SCHEMA_VALIDATOR
from pipeline.reports import collect, curves, html, numbers, statistics
from pipeline.reports import nodes as trace
from pipeline.reports.collect import Run
from pipeline.reports.evaluations import Measure
from pipeline.reports.output_root import OutputRoot


@dataclasses.dataclass(frozen=True)
class Row:
    """One thing, and what each run has of it."""

    name: str
    values: Sequence[Any]

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return any(value != self.values[0] for value in self.values)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Runs, the first of which the others are measured against."""

    runs: Sequence[Run]

    @property
    def overridden(self) -> Row | None:
        """Who pushed what was refused; None where that was kept to in every run."""
        said = [run.summary.overridden for run in self.runs]
        return Row("overridden", said) if any(said) else None

    @property
    def parameters(self) -> list[Row]:
        """Keys of the configuration that differ; where it writes is no matter."""
        values = [dict(layers.leaves(run.config)) for run in self.runs]
        keys = dict.fromkeys(key for each in values for key in each)
        rows = [
            Row(key, [_written(each, key) for each in values])
            for key in keys
            if key != "output_root"
        ]
        return [row for row in rows if row.differs]

    @property
    def code(self) -> list[Row]:
        """The commits, and each node whose own code differs."""
        digests = [{n.id: n.code_digest[:12] for n in run.nodes} for run in self.runs]
        nodes = dict.fromkeys(node for each in digests for node in each)
        rows = [Row(node, [each.get(node, "") for each in digests]) for node in nodes]
        commits = Row("commit", [r.code.removeprefix("commit ") for r in self.runs])
        return [commits, *(row for row in rows if row.differs)]

    @property
    def same_data(self) -> bool:
        """Whether all runs had the same rows."""
        return len({run.data_uri for run in self.runs}) == 1

    @property
    def rows(self) -> list[Row]:
        """The rows of each split."""
        splits = dict.fromkeys(split for run in self.runs for split in run.splits)
        return [
            Row(s, [statistics.rows_of(r.splits.get(s, {})) for r in self.runs])
            for s in splits
        ]

    @property
    def columns(self) -> list[Row]:
        """How far each column of train is from the first run's, the farthest first."""
        moved = [collect.moved(self.runs[0], run) for run in self.runs[1:]]
        names = {name for each in moved for name in each}
        rows = [Row(name, [0.0, *(m.get(name) for m in moved)]) for name in names]
        return sorted(
            rows, key=lambda row: (-max(filter(None, row.values), default=0), row.name)
        )

    @property
    def schema(self) -> list[Row]:
        """Columns whose reviewed contract differs."""
        schemas = [_schema(run) for run in self.runs]
        names = sorted({name for each in schemas for name in each})
        rows = [Row(name, [each.get(name, "") for each in schemas]) for name in names]
        return [row for row in rows if row.differs]

    @property
    def metrics(self) -> list[Row]:
        """Overall measures; None for a run that was not evaluated."""
        return self._measures("overall")

    @property
    def figures(self) -> list[curves.Figure]:
        """Curves of the first three runs in one picture."""
        found = {
            (run.id, look): run.evaluation.curves["candidate"]
            for look, run in zip(html.LOOKS, self.runs, strict=False)
            if run.evaluation and run.evaluation.curves
        }
        return [each for each in curves.figures(found) if each.name != "Scores"]

    @property
    def slices(self) -> dict[str, list[Row]]:
        """'AUC by trip_start_hour' -> measures of each of its slices."""
        found = {}
        for run in self.runs:
            columns = run.evaluation.columns if run.evaluation else {}
            for column, slices in columns.items():
                assert run.evaluation is not None
                for metric in run.evaluation.metrics_of(column):
                    title = f"{html.words(metric)} by {column}"
                    if slices and title not in found:
                        found[title] = self._slices(column, metric)
        return found

    def _measures(self, name: str) -> list[Row]:
        overall = [
            r.evaluation.overall.measures if r.evaluation else {} for r in self.runs
        ]
        metrics = dict.fromkeys(metric for each in overall for metric in each)
        return [
            Row(metric, [each.get(metric) for each in overall]) for metric in metrics
        ]

    def _slices(self, column: str, metric: str) -> list[Row]:
        by_value: list[dict[str, Measure]] = [
            {
                each.value: each.measures[metric]
                for each in (
                    r.evaluation.columns.get(column, ()) if r.evaluation else ()
                )
            }
            for r in self.runs
        ]
        values = dict.fromkeys(value for each in by_value for value in each)
        return [Row(value, [each.get(value) for each in by_value]) for value in values]


def of(output_root: str, run_ids: Sequence[str]) -> Comparison:
    """Those runs.

    Raises:
      UsageError: one is not there, or was cut off.
    """
    source = OutputRoot(output_root)
    return Comparison([collect.run(source, run_id) for run_id in run_ids])


def write(comparison: Comparison, path: Path) -> None:
    """Makes the page.

    Raises:
      UsageError: it cannot be written.
    """
    try:
        files.write_text(path, page(comparison))
    except OSError as error:
        raise UsageError(f"--output {path}: {error.strerror}") from None


def page(comparison: Comparison) -> str:
    """The page, as HTML."""
    return html.render("compare.html.j2", comparison=comparison)


def table(comparison: Comparison) -> Table:
    """The comparison for the terminal, without slices and columns."""
    drawn = Table(box=None)
    drawn.add_column("")
    for run in comparison.runs:
        drawn.add_column(run.id, overflow="fold")
    _add(drawn, Row("outcome", [run.summary.outcome for run in comparison.runs]))
    if comparison.overridden:
        _add(drawn, comparison.overridden)
    for row in (*comparison.code, *comparison.parameters):
        _add(drawn, row)
    for row in comparison.rows:
        _add(drawn, Row(f"rows in {row.name}", list(map(numbers.count, row.values))))
    for row in comparison.metrics:
        _add(drawn, Row(html.words(row.name), list(map(_with_interval, row.values))))
    seconds = [numbers.seconds(run.summary.seconds) for run in comparison.runs]
    _add(drawn, Row("time", seconds))
    return drawn


def _add(drawn: Table, row: Row) -> None:
    # Text, not markup: a value may hold square brackets.
    drawn.add_row(row.name, *(Text(str(value)) for value in row.values))


def _with_interval(measure: Measure | None) -> str:
    if measure is None:
        return numbers.NONE
    ends = f" ({numbers.span(measure.interval)})" if measure.interval else ""
    return f"{numbers.metric(measure.value)}{ends}"


def _written(values: Mapping[str, object], key: str) -> str:
    return json.dumps(values[key], ensure_ascii=False) if key in values else ""


def _schema(run: Run) -> dict[str, str]:
    """Column -> its part of the schema on one line."""
    artifact = trace.output(run.nodes, SCHEMA_VALIDATOR, "schema")
    file = Path(artifact.uri, "schema.pbtxt") if artifact else None
    if file is None or not file.is_file():
        return {}
    schema = schema_pb2.Schema()
    text_format.Parse(file.read_text(encoding="utf-8"), schema)
    found = {
        f"domain {each.name}": text_format.MessageToString(each, as_one_line=True)
        for each in schema.string_domain
    }
    for feature in schema.feature:
        found[feature.name] = text_format.MessageToString(feature, as_one_line=True)
    return found
