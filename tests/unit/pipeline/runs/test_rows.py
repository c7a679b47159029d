"""How many rows a node took and put out follows from what its run recorded."""

from __future__ import annotations

from pipeline.runs import rows

SPLITS = {"train": 60, "eval": 20, "test": 20}
NODES = ("ExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator", "Pusher")


def test_a_node_that_learns_never_reads_the_test_rows():
    found = rows.in_and_out(rows.Counted(splits=SPLITS), NODES)

    assert found["StatisticsGen"] == (100, 100)
    assert found["Transform"] == found["Trainer"] == (80, 0)


def test_what_was_read_and_rejected_is_told_where_it_was_counted():
    counted = rows.Counted(splits=SPLITS, ingested=(103, 100))

    assert rows.in_and_out(counted, NODES)["ExampleGen"] == (103, 100)


def test_a_judge_and_a_push_have_their_own_counts():
    found = rows.in_and_out(rows.Counted(splits=SPLITS, evaluated=20, asked=8), NODES)

    assert (found["Evaluator"], found["Pusher"]) == ((20, 20), (8, 0))


def test_a_node_that_put_nothing_out_has_no_rows():
    found = rows.in_and_out(rows.Counted(splits=SPLITS, evaluated=20), ("ExampleGen",))

    assert found == {"ExampleGen": (100, 100)}


def test_nothing_counted_is_no_rows_and_not_none_of_them():
    assert rows.in_and_out(rows.Counted(splits={}), NODES) == {}
