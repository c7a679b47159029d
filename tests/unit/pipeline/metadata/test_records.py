"""Plain values of a store, and what follows from them."""

from __future__ import annotations

from pipeline.metadata.records import Execution

MADE = {"id": "1", "node": "Trainer", "state": "COMPLETE", "order": 1}


def test_a_node_ended_when_its_work_was_done_and_not_with_its_run():
    node = Execution(**MADE, created=100.0, updated=900.0, properties={"seconds": 7.5})

    assert node.ended == 107.5


def test_of_an_older_record_the_last_word_is_the_end():
    assert Execution(**MADE, created=100.0, updated=110.0).ended == 110.0
