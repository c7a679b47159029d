"""The words of a notification."""

from __future__ import annotations

from textwrap import dedent

from pipeline.notifications import message


def test_a_success_tells_metrics_and_the_pushed_version():
    summary = message.RunSummary(
        pipeline="trips",
        run_id="r1",
        outcome="SUCCEEDED",
        metrics=(("auc", 0.93456), ("accuracy", 0.8)),
        pushed="/srv/models/17",
    )

    text = message.text(summary)

    assert text == dedent("""\
        SUCCEEDED: trips, run r1
          metrics: auc 0.9346, accuracy 0.8000
          pushed: /srv/models/17
    """)


def test_a_refusal_tells_where_it_ended_and_every_reason():
    summary = message.RunSummary(
        pipeline="trips",
        run_id="r1",
        outcome="NOT_BLESSED",
        node="Evaluator",
        reasons=("auc (overall) is 0.7; needs >= 0.8", "recall is 0; needs >= 0.1"),
        metrics=(("auc", 0.7),),
    )

    text = message.text(summary)

    assert text == dedent("""\
        NOT_BLESSED at Evaluator: trips, run r1
          auc (overall) is 0.7; needs >= 0.8
          recall is 0; needs >= 0.1
          metrics: auc 0.7000
    """)


def test_each_line_of_a_long_reason_is_indented():
    summary = message.RunSummary(
        pipeline="trips",
        run_id="r1",
        outcome="DATA_REFUSED",
        node="SchemaValidator",
        reasons=("the data does not fit:\n  feature 'fare'",),
    )

    text = message.text(summary)

    assert text == dedent("""\
        DATA_REFUSED at SchemaValidator: trips, run r1
          the data does not fit:
            feature 'fare'
    """)
