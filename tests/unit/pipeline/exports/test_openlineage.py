"""Events that a consumer of OpenLineage can rely on."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pipeline.exports import openlineage

SCHEMA = json.loads(
    Path(__file__).with_name("run_event.schema.json").read_text(encoding="utf-8")
)


def events_of(subject) -> list[dict]:
    return [json.loads(line) for line in openlineage.text(subject).splitlines()]


@pytest.mark.parametrize("name", ["/serving/trips/1", "run-00002"])
def test_every_event_is_one_of_the_specification(exported, name):
    validator = jsonschema.Draft202012Validator(
        SCHEMA, format_checker=jsonschema.FormatChecker()
    )

    events = events_of(exported(name))

    assert len(events) == 2 * 10  # nine nodes, and the run itself
    for event in events:
        validator.validate(event)


def test_every_beginning_has_one_end_of_the_same_run_and_job(exported):
    events = events_of(exported("/serving/trips/1"))

    keys = [(e["run"]["runId"], e["job"]["name"], e["eventType"]) for e in events]
    started = {key[:2] for key in keys if key[2] == "START"}
    ended = {key[:2] for key in keys if key[2] == "COMPLETE"}
    assert len(set(keys)) == len(keys)
    assert started == ended


def test_a_node_that_failed_has_a_fail_event_with_its_words(exported):
    events = events_of(exported("/serving/trips/4"))

    [failed] = [
        e
        for e in events
        if e["eventType"] == "FAIL" and e["job"]["name"] == "trips.Notifier"
    ]
    facet = failed["run"]["facets"]["errorMessage"]
    assert facet["message"] == "Notifier did not like it"


def test_what_was_killed_has_a_beginning_and_no_end(exported):
    """Run 1 had a part in it: the examples are taken from there."""
    events = events_of(exported("/serving/trips/5"))

    keys = [(e["job"]["name"], e["eventType"]) for e in events]
    for job in ("trips", "trips.Notifier"):
        states = [state for name, state in keys if name == job]
        assert states == ["START", "COMPLETE", "START"]


def test_raw_files_go_in_and_the_served_folder_comes_out(exported):
    ended = {
        e["job"]["name"]: e
        for e in events_of(exported("/serving/trips/2"))
        if e["eventType"] == "COMPLETE"
    }

    raw = [i["name"] for i in ended["trips.ExampleGen"]["inputs"]]
    served = [o["name"] for o in ended["trips.Pusher"]["outputs"]]
    assert raw == ["/data/in/file-0.csv", "/data/in/file-1.csv"]
    assert "/serving/trips/2" in served
    [read] = [
        i
        for i in ended["trips.StatisticsGen"]["inputs"]
        if i["name"] == ended["trips.ExampleGen"]["outputs"][0]["name"]
    ]
    assert read["namespace"] == "file"


def test_nodes_point_to_their_run_and_to_their_commit(exported):
    subject = exported("/serving/trips/1")
    events = events_of(subject)

    [run] = {e["run"]["runId"] for e in events if e["job"]["name"] == "trips"}
    nodes = [e for e in events if e["job"]["name"] != "trips"]
    commits = {e["job"]["facets"]["sourceCodeLocation"]["version"] for e in events}
    assert {e["run"]["facets"]["parent"]["run"]["runId"] for e in nodes} == {run}
    assert commits == {subject.trained.text("commit")}


def test_objects_of_a_bucket_are_named_as_the_specification_says(exported, record):
    record("Examples", "files_root", "gs://bucket/in")

    events = events_of(exported("/serving/trips/1"))

    names = {(i["namespace"], i["name"]) for e in events for i in e["inputs"]}
    assert ("gs://bucket", "in/file-0.csv") in names
