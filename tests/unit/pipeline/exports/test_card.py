"""A card that says what it knows, and what it does not."""

from __future__ import annotations

import html
import json
import sqlite3
from contextlib import closing

import pytest

from pipeline.exports import card

CONFIG = {
    "training": {"model": "wide_deep"},
    "evaluation": {
        "thresholds": {"auc": {"min": 0.8}},
        "slices": [{"column": "hour", "floors": {"auc": {"min": 0.7}}}],
    },
    "model_card": {
        "intended_use": "to show <b>things</b>",
        "out_of_scope": ["everything else"],
        "limitations": ["no cash"],
        "owners": ["Ada & Grace"],
        "licence": "Apache-2.0",
    },
}


CHECK = {
    "slice": "overall",
    "metric": "auc",
    "candidate": 0.9,
    "baseline": None,
    "bound": ">= 0.8",
    "passed": True,
}


@pytest.fixture
def evaluated(store_file, tmp_path, configure):
    """The files of the evaluation, where version 1's artifact says."""
    folder = tmp_path / "evaluation"
    folder.mkdir()
    hours = {"hour=7": {"auc": 0.71, "example_count": 50}}
    files = {
        "metrics.json": {
            "candidate": {"overall": {"auc": 0.9, "example_count": 300}, **hours},
            "baseline": None,
        },
        "verdict.json": {
            "word": "BLESSED",
            "blessed": True,
            "checks": [CHECK],
            "unjudged": ["hour=7"],
        },
        "explanation.json": {"intervals": {"overall": {"auc": [0.88, 0.92]}}},
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    configure(CONFIG)
    with closing(sqlite3.connect(store_file)) as db, db:
        db.execute(
            "update Artifact set uri = ? where uri like '%/Evaluator/evaluation/1'",
            (str(folder),),
        )


def test_metrics_have_intervals_and_bounds_by_slice(exported, evaluated):
    found = card.card(exported("/serving/trips/1"))["evaluation"]["metrics"]

    assert [(m["slice"], m["value"], m["interval"], m["needs"]) for m in found] == [
        ("overall", 0.9, (0.88, 0.92), "at least 0.8"),
        ("hour=7", 0.71, None, "at least 0.7"),
    ]


def test_what_the_configuration_says_is_on_it_word_for_word(exported, evaluated):
    found = card.card(exported("/serving/trips/1"))

    assert found["use"]["intended_use"] == "to show <b>things</b>"
    assert found["limits"][0] == "no cash"
    assert "Too few rows to be judged: hour=7." in found["limits"]


def test_without_the_files_the_store_gives_metrics_and_the_card_says_so(exported):
    found = card.card(exported("/serving/trips/1"))

    [auc] = found["evaluation"]["metrics"]
    assert (auc["value"], auc["needs"], auc["passed"]) == (0.9, ">= 0.8", True)
    assert any("intervals are not shown" in limit for limit in found["limits"])


def test_a_dirty_tree_and_a_broken_bound_are_limits(exported):
    dirty = card.card(exported("/serving/trips/2"))["limits"]
    refused = card.card(exported("run-00003"))["limits"]

    assert any("not committed" in limit for limit in dirty)
    assert "auc on overall is 0.6, and needs >= 0.8." in refused
    assert "It was not pushed: it is not served from here." in refused


def test_the_page_escapes_everything_and_asks_for_nothing(exported, evaluated, record):
    record("Examples", "files_root", '/in/"><script>alert(1)</script>')

    page = card.page(exported("/serving/trips/1"))

    assert "&lt;b&gt;things&lt;/b&gt;" in page
    assert "Ada &amp; Grace" in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_section_that_does_not_fit_is_not_believed(exported, configure):
    configure({"model_card": {"intended_use": ["a", "list"]}})

    assert card.card(exported("/serving/trips/1"))["use"]["intended_use"] == ""


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (
            {"rule": "ratio_above", "denominator": "<fare>", "threshold": 0.2},
            "tips / <fare> is more than 0.2",
        ),
        ({"rule": "equals", "value": "yes"}, "tips is yes"),
    ],
)
def test_what_it_predicts_and_reads_is_on_it(exported, configure, label, words):
    own = {"name": "big_tipper", "column": "tips", **label}
    features = {"numeric": ["miles"], "buckets": {"hour": 3, "miles": 9}, "label": own}
    configure({"features": features})

    found = exported("/serving/trips/1")

    assert card.card(found)["task"] == {
        "predicts": f"big_tipper: whether {words}",
        "columns": ["miles", "hour"],
    }
    page = card.page(found)
    assert f"big_tipper: whether {html.escape(words)}" in page
    assert "<b>Reads</b> miles, hour" in page


def test_features_that_do_not_fit_are_not_believed(exported, configure):
    configure({"features": ["<script>"]})

    found = card.card(exported("/serving/trips/1"))["task"]

    assert found == {"predicts": "", "columns": []}
