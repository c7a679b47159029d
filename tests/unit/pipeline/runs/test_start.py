"""What is known of a run when it begins."""

from __future__ import annotations

from pipeline import files
from pipeline.runs import start
from pipeline.runs.facts import RunFacts
from pipeline.runs.start import RunStart

BEGUN = RunStart(started=1.8e9, code="commit abc", log="run.log", partial=True)
FACTS = RunFacts(pipeline="trips", run_id="r1", outcome="FAILED", code="image x")


def test_it_is_read_as_it_was_written(tmp_path):
    files.write_json(tmp_path / "r1" / start.FILE, BEGUN.to_dict())

    assert start.read(tmp_path, "r1") == BEGUN


def test_a_run_that_left_no_word_takes_nothing_away_from_what_is_known(tmp_path):
    assert start.read(tmp_path, "r1") == RunStart()
    assert FACTS.since(RunStart()) == FACTS


def test_what_it_says_is_part_of_what_people_are_told():
    told = FACTS.since(BEGUN)

    assert (told.outcome, told.code, told.started) == ("FAILED", "commit abc", 1.8e9)
    assert told.partial
