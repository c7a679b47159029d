"""Runs side by side: what went in and differs, and what came out."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from pipeline import errors
from pipeline.reports import compare
from tests.unit.pipeline.reports.conftest import METRICS, word_statistics
from tests.unit.pipeline.reports.test_html import NASTY, Seen

INTERVALS = {"overall": {"auc": [0.9, 0.92]}, "payment_type=Cash": {"auc": [0.8, 0.9]}}


def schema(root, run_id, text):
    root.execute(run_id, "SchemaValidator", ["schema"])
    folder = root.folder(run_id, "SchemaValidator", "schema")
    (folder / "schema.pbtxt").write_text(text, encoding="utf-8")


@pytest.fixture
def pair(root):
    """Two runs that differ in one setting, a column and a schema."""
    for run_id, share, kind in (("r1", 50, "FLOAT"), ("r2", 90, "INT")):
        root.run(run_id)
        root.statistics(run_id, [word_statistics("pay", {"a": share, "b": 10})])
        schema(root, run_id, f'feature {{ name: "fare" type: {kind} }}')
        measured = {"overall": METRICS, "payment_type=Cash": METRICS}
        extra = {"intervals": INTERVALS}
        root.evaluation(run_id, measured, extra=extra)
    file = root.path / "runs" / "r2" / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["training"]["model"] = NASTY
    root.write(file, config)
    return root


def of(root, *run_ids):
    return compare.of(str(root.path), run_ids)


def test_only_what_differs_of_what_went_in_is_shown(pair):
    found = of(pair, "r1", "r2")

    assert [row.name for row in found.parameters] == ["training.model"]
    assert [row.name for row in found.schema] == ["fare"]
    assert found.code[0].values == ["abc", "abc"]
    assert {row.name for row in found.code[1:]} == {
        "StatisticsGen",
        "SchemaValidator",
        "Evaluator",
    }


def test_columns_are_measured_against_the_first_run(pair):
    [row] = of(pair, "r1", "r2").columns

    assert (row.name, row.values[0]) == ("pay", 0)
    assert row.values[1] == pytest.approx(0.9 - 5 / 6)


def test_metrics_and_slices_come_with_their_intervals(pair):
    found = of(pair, "r1", "r2")

    [auc] = [row for row in found.metrics if row.name == "auc"]
    assert [each.interval for each in auc.values] == [(0.9, 0.92)] * 2
    [cash] = found.slices["accuracy by payment_type"]
    assert [each.value for each in cash.values] == [0.87, 0.87]


def test_the_page_holds_all_of_it_and_escapes_it(pair):
    text = compare.page(of(pair, "r1", "r2"))

    seen = Seen(text)
    assert "script" not in seen.tags
    assert seen.open == []
    assert "2 runs, side by side" in seen.text
    assert "alert('x')" in seen.text
    assert "0.9100 0.9000 to 0.9200" in seen.text


def test_runs_that_were_not_evaluated_can_be_compared(root):
    for run_id in ("r1", "r2", "r3"):
        root.run(run_id, outcome="FAILED", node="Trainer")

    found = of(root, "r1", "r2", "r3")

    assert found.metrics == []
    assert "None of these runs was evaluated." in compare.page(found)


def test_the_terminal_shows_the_same(pair):
    console = Console(width=200, record=True, file=io.StringIO())

    console.print(compare.table(of(pair, "r1", "r2")))

    text = console.export_text()
    assert "AUC" in text
    assert "0.9100 (0.9000 to 0.9200)" in text
    assert "training.model" in text


def test_a_run_that_is_not_there_is_named(pair):
    with pytest.raises(errors.UsageError, match="no run r9"):
        of(pair, "r1", "r9")


def test_a_page_that_cannot_be_written_is_a_users_mistake(pair):
    with pytest.raises(errors.UsageError, match=r"--output /proc/no/page\.html"):
        compare.write(of(pair, "r1", "r2"), compare.Path("/proc/no/page.html"))
