"""The page says what became of a run, escapes all, and stays small."""

from __future__ import annotations

import math
import re
from html import parser

import pytest

from pipeline.config import config as config_lib
from pipeline.reports import collect, html, numbers
from pipeline.reports.output_root import OutputRoot
from tests.unit.pipeline.reports.conftest import (
    METRICS,
    check,
    number_statistics,
    word_statistics,
)

NASTY = "<script>alert('x')</script>\n\"&'{{ 7 * 7 }}</style>"
LIMIT = 3_000_000


def page(root, run_id) -> str:
    return html.page(collect.report(OutputRoot(str(root.path)), run_id))


class Seen(parser.HTMLParser):
    """Tags, attributes and words as a browser reads them."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words, self.ids, self.links = [], [], [], [], []
        self.attributes = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attributes}
        self.ids += [value for name, value in attributes if name == "id"]
        self.links += [value for name, value in attributes if name in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def nasty(root):
    """A run in which every name and word is hostile."""
    root.run(
        "r1",
        outcome="FAILED",
        node=NASTY,
        pipeline=NASTY,
        reasons=[NASTY, "first\n" * 9 + NASTY],
        pushed=f"/x/{NASTY}",
        verdict=NASTY,
    )
    root.statistics(
        "r1",
        [word_statistics(NASTY, {NASTY: 9}), number_statistics(f"n{NASTY}", 0, 1, [1])],
    )
    root.anomalies("r1", {NASTY: NASTY})
    measured = {"overall": METRICS, f"payment_type={NASTY}": METRICS}
    importance = {"feature": NASTY, "loss": 0.1, "low": 0.0, "high": 0.2}
    root.evaluation(
        "r1",
        measured,
        verdict={"checks": [], "unjudged": [], "baseline_error": NASTY},
        extra={"importance": {"rows": 9, "features": [importance]}},
    )
    return "r1"


def test_every_text_is_escaped(root):
    text = page(root, nasty(root))

    seen = Seen(text)
    assert "script" not in seen.tags
    assert seen.open == []
    assert seen.tags.count("style") == 1
    assert not {name for name in seen.attributes if name.startswith("on")}
    assert "alert('x')" in seen.text
    assert "49" not in seen.text


def test_nothing_is_loaded_and_every_link_stays_on_the_page(root):
    text = page(root, nasty(root))

    seen = Seen(text)
    assert {link for link in seen.links if not link.startswith("#")} == {"data:,"}
    assert {link[1:] for link in seen.links if link.startswith("#")} <= set(seen.ids)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_a_thousand_columns_of_huge_vocabularies_and_slices_stay_under_the_limit(root):
    root.run("r1")
    words = {f"{'long ' * 50}{number}": 1000 - number for number in range(1000)}
    many = [word_statistics(f"w{n}", words) for n in range(300)]
    many += [number_statistics(f"n{n}", 0, 9, range(10)) for n in range(700)]
    root.statistics("r1", many)
    names = [f"payment_type={'v' * 200}{n}" for n in range(2000)]
    root.evaluation(
        "r1",
        dict.fromkeys(["overall", *names], METRICS),
        extra={"intervals": {name: {"accuracy": [0.8, 0.9]} for name in names}},
    )
    root.run("r2")

    text = page(root, "r1")

    assert len(text.encode()) < LIMIT
    seen = Seen(text).text
    assert text.count('class="spark"') == html.MAX_LISTED
    assert text.count('class="interval"') == html.MAX_LISTED_SLICES
    assert "and 970 more" in seen
    assert "and 880 more, in the statistics only" in seen
    assert "more, in the evaluation only" in seen


def test_what_is_no_number_counts_as_missing_and_is_named(root):
    root.run("r1")
    fare = number_statistics("fare", 0, math.inf, [1, 2])
    fare.num_stats.common_stats.tot_num_values = 90
    for name, number in (("nan", 3), ("infinite", 7)):
        fare.custom_stats.add(name=name, num=number)
    bars = fare.custom_stats.add(name="counts").rank_histogram
    for value, rows in ((2, 30), (5, 50)):
        bars.buckets.add(label=str(value), sample_count=rows)
    root.statistics("r1", [fare])

    seen = Seen(page(root, "r1")).text

    said = "3 NaN, 7 infinite or beyond float32 in "
    assert f"taken as missing: {said}" in seen
    # Of 100 rows 10 have no value.
    assert f"{said}test 2 5 20 %" in seen


def test_every_metric_of_a_slice_is_on_the_page_and_one_class_has_none(root):
    root.run("r1")
    cash = {**METRICS, "auc": None, "recall": 0.1234}
    root.evaluation("r1", {"overall": METRICS, "payment_type=Cash": cash})

    seen = Seen(page(root, "r1")).text

    _, _, after = seen.partition("Every metric by payment_type")
    row = f"Cash 400 {numbers.NONE} 0.8700 0.7000 0.1234 1.0200 0.2500 0.2550"
    assert row in after


def test_a_success_names_the_pushed_version_and_its_intervals(root):
    root.run(
        "r1", pushed="/srv/taxi/17", verdict="BLESSED", checks=[check("auc", True)]
    )
    root.evaluation(
        "r1",
        {"overall": METRICS},
        {"overall": {**METRICS, "auc": 0.9}},
        extra={
            "intervals": {"overall": {"auc": [0.89, 0.93]}},
            "differences": {"overall": {"auc": [0.01, -0.005, 0.025]}},
        },
    )

    seen = Seen(page(root, "r1")).text

    assert "Every check passed, and the model was pushed to /srv/taxi/17." in seen
    assert "Pushed version 17" in seen
    assert "0.9100 95 %: 0.8900 to 0.9300" in seen
    assert "Against the champion +0.0100 95 %: \N{MINUS SIGN}0.0050 to +0.0250" in seen


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("DATA_REFUSED", "The data do not fit the curated schema"),
        ("NOT_BLESSED", "The model is not good enough, and was not pushed."),
        ("PUSH_FAILED", "The model is good enough, and does not serve"),
        ("FAILED", "A component failed."),
        ("CANCELLED", "It was interrupted"),
    ],
)
def test_what_did_not_succeed_says_so_and_why(root, outcome, sentence):
    root.run("r1", outcome=outcome, node="Trainer", reasons=["ValueError: one class"])

    seen = Seen(page(root, "r1")).text

    assert f"{outcome} at Trainer {sentence}" in seen
    assert "ValueError: one class" in seen


def test_a_part_of_the_graph_says_that_it_is_one(root):
    root.run("r1", partial=True)

    seen = Seen(page(root, "r1")).text

    assert "Only a part of the graph was asked for." in seen


def test_refused_data_show_what_is_wrong_first(root):
    root.run("r1", outcome="DATA_REFUSED", node="SchemaValidator")
    columns = [word_statistics(name, {"a": 1}) for name in ("a", "mood")]
    root.statistics("r1", columns)
    root.anomalies("r1", {"mood": "New column"})

    text = page(root, "r1")

    assert "SCHEMA_NEW_COLUMN" in text
    listed = re.findall(r'<th scope="row">(a|mood)<', text)
    assert listed == ["mood", "mood", "a"]


def test_a_broken_bound_is_marked_and_a_held_one_too(root):
    root.run("r1", outcome="NOT_BLESSED", node="Evaluator")
    checks = [check("auc", False), check("accuracy", True)]
    root.evaluation(
        "r1", {"overall": METRICS}, verdict={"checks": checks, "unjudged": []}
    )

    seen = Seen(page(root, "r1")).text

    assert "AUC 0.9100 \N{EN DASH} at least 0.85 broken" in seen
    assert "accuracy 0.8700 \N{EN DASH} at least 0.8 holds" in seen


def test_the_command_that_runs_it_again_names_commit_and_configuration(root):
    text = page(root, root.run("r1"))

    seen = Seen(text).text
    assert "git checkout abc" in seen
    config = root.path / "runs" / "r1" / "config.json"
    assert f"python local_runner.py run --force --config {config}" in seen


def test_the_configuration_that_the_command_names_is_the_runs(root):
    root.run("r1")

    again = config_lib.load([root.path / "runs" / "r1" / "config.json"]).config

    assert (
        again.model_dump(mode="json")
        == collect.run(OutputRoot(str(root.path)), "r1").config
    )


def test_the_graph_shows_who_read_what(root):
    root.run("r1")
    champion = root.execute("r0", "Trainer", ["model"])["model"]
    made = root.execute("r1", "ExampleGen", ["examples"])["examples"]
    root.execute("r1", "Trainer", ["model"], inputs=[made], state="CACHED")
    root.execute("r1", "Evaluator", [], inputs=[champion])

    text = page(root, "r1")

    assert text.count('class="made"') == 2
    assert text.count('class="read"') == 2
    assert text.count('class="artifact earlier"') == 1
    assert 'class="node cached"' in text


def test_a_run_on_vertex_has_a_price(root):
    root.run("r1", provider="vertex")
    file = root.path / "runs" / "r1" / "config.json"
    config = collect.run(OutputRoot(str(root.path)), "r1").config
    place = {"project": "p", "region": "europe-west4", "image": "i"}
    prices = {"cpu_hour": 36.0, "memory_gb_hour": 0.0}
    root.write(file, {**config, "vertex": {**place, "prices": prices}})

    seen = Seen(page(root, "r1")).text

    # Five nodes of 2.5 s with 4 vCPUs each.
    assert "Time and cost" in seen
    assert "USD 0.50" in seen
