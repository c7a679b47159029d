"""The words of a notification."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from textwrap import dedent

import pytest

from pipeline.notifications import history, message
from pipeline.runs.facts import RunFacts
from pipeline.runs.verdict import Check

FACTS = RunFacts(
    pipeline="trips",
    run_id="20260302-120000-aaaa",
    outcome="FAILED",
    node="Trainer",
    reasons=("ValueError: no rows",),
    data="span 3, 15,002 rows",
    code="1a2b3c4",
    started=1772452800.0,
    ended=1772452857.0,
    next="python local_runner.py resume",
    log="output/runs/20260302-120000-aaaa/run.log",
)
REFUSED = dataclasses.replace(
    FACTS,
    outcome="NOT_BLESSED",
    node="Evaluator",
    reasons=("auc (overall) is 0.7000, baseline 0.8100; needs >= 0.75",),
    checks=(
        Check(
            slice="overall",
            metric="auc",
            candidate=0.7,
            baseline=0.81,
            bound=">= 0.75",
            passed=False,
        ),
        Check(
            slice="payment_type=Cash",
            metric="accuracy",
            candidate=None,
            baseline=None,
            bound=">= 0.6",
            passed=False,
        ),
        Check(
            slice="overall",
            metric="accuracy",
            candidate=0.9,
            baseline=None,
            bound=">= 0.8",
            passed=True,
        ),
    ),
)
NASTY = "a\r\nBcc: x@y.z\x1b[31m<script>alert('x')</script> \u202e 🚕 " + "w" * 100_000


def test_a_failure_says_what_ran_what_happened_and_what_to_do():
    words = message.compose(FACTS, ["failed"])

    assert words.subject == "[trips] FAILED at Trainer: ValueError: no rows"
    assert words.text == dedent("""\
        FAILED at Trainer: ValueError: no rows

        What ran
        pipeline  trips
        run       20260302-120000-aaaa
        data      span 3, 15,002 rows
        code      1a2b3c4
        time      2026-03-02 12:00:00 UTC, 57 s

        What to do
        python local_runner.py resume
        output/runs/20260302-120000-aaaa/run.log
    """)


def test_a_refusal_shows_the_numbers_that_decided():
    words = message.compose(REFUSED, ["not_blessed"])

    assert words.subject == (
        "[trips] NOT_BLESSED at Evaluator: auc (overall) is 0.7000, baseline 0.8100; "
        "needs >= 0.75"
    )
    decided = words.text.partition("What decided\n")[2].partition("\n\n")[0]
    assert decided.splitlines() == [
        "auc       overall            0.7000        needs >= 0.75  baseline 0.8100",
        "accuracy  payment_type=Cash  not a number  needs >= 0.6   ".rstrip(),
    ]


def test_a_baseline_of_nothing_is_a_number_too():
    check = dataclasses.replace(REFUSED.checks[0], baseline=0.0)

    text = message.compose(dataclasses.replace(REFUSED, checks=(check,))).text

    assert "needs >= 0.75  baseline 0.0000" in text


def test_a_success_says_what_is_new():
    good = RunFacts(
        pipeline="trips",
        run_id="r1",
        outcome="SUCCEEDED",
        metrics={"auc": 0.93456, "example_count": 10.0},
        pushed="/srv/models/17",
        drifted=("fare: moved",),
    )
    previous = history.after(None, FACTS, (), ())

    words = message.compose(good, ["pushed", "recovered", "drift"], previous)

    assert words.subject == (
        "[trips] SUCCEEDED: recovered after 1 failure, pushed version 17, "
        "the data drifts"
    )
    assert "What drifted\nfare: moved\n" in words.text
    assert "What decided\nauc 0.9346\n" in words.text
    assert "What was pushed\n/srv/models/17\n" in words.text


def test_a_failure_that_goes_on_says_how_often():
    first = history.after(None, FACTS, (), ())
    second = history.after(first, FACTS, (), ())

    words = message.compose(FACTS, ["failed"], second)

    assert words.subject == (
        "[trips] FAILED at Trainer (3rd time in a row): ValueError: no rows"
    )


@pytest.mark.parametrize(
    "facts",
    [
        dataclasses.replace(FACTS, reasons=(NASTY,)),
        dataclasses.replace(FACTS, pipeline=NASTY, node=NASTY, next=NASTY, log=NASTY),
        dataclasses.replace(
            REFUSED, checks=(dataclasses.replace(REFUSED.checks[0], metric=NASTY),)
        ),
        dataclasses.replace(REFUSED, reasons=(NASTY,) * 500),
    ],
    ids=["error", "names", "metric", "many"],
)
def test_no_text_of_others_breaks_out(facts):
    """CR/LF, an escape, <script>, an override of direction, 100 kB."""
    words = message.compose(facts, ["failed"])

    assert len(words.subject) <= 120
    assert words.subject.isprintable()
    assert all(line.isprintable() for line in words.text.splitlines())
    assert len(words.text) < 12_000
    tags = _Tags()
    tags.feed(words.html)
    assert tags.seen <= {"html", "body", "h2", "h3", "pre"}


def test_emoji_stays():
    words = message.compose(dataclasses.replace(FACTS, reasons=("no 🚕 here",)))

    assert "🚕" in words.subject
    assert "🚕" in words.text
    assert "🚕" in words.html


def test_the_first_lines_of_a_long_error_are_shown_and_the_rest_counted():
    reasons = ("\n".join(f"line {number}" for number in range(40)),)

    words = message.compose(dataclasses.replace(FACTS, reasons=reasons))

    assert "line 11\n... 28 more lines in the log\n" in words.text
    assert "line 12" not in words.text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


def test_the_report_is_named_instead_of_the_log():
    facts = dataclasses.replace(FACTS, report="runs/r1/report.html")

    text = message.compose(facts).text

    assert "runs/r1/report.html" in text
    assert "run.log" not in text
