"""The run date reaches ExampleGen, and the span follows from it."""

from __future__ import annotations

import datetime
import json
import sys

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.config import config as config_lib
from pipeline.vertex.job import compile as vertex
from pipeline.vertex.job import run_date, task
from pipeline.vertex.job.job import Job
from pipeline.vertex.rehearsal.run import Rehearsal

DATES = "data.pattern={YYYY}-{MM}-{DD}/*"


@pytest.fixture
def data(tmp_path):
    for day in ("2026-10-31", "2026-11-01", "2026-11-04"):
        (tmp_path / "data" / day).mkdir(parents=True)
        (tmp_path / "data" / day / "rows.csv").write_text("x\n1\n")
    return tmp_path / "data"


@pytest.fixture
def compiled(data, tmp_path):
    def compiled(*overrides: str) -> Job:
        folders = (f"data.path={data}", f"output_root={tmp_path}/out")
        everything = (*folders, DATES, *overrides)
        config = config_lib.load((), everything, platform="vertex").config
        return vertex.compile_job(config)

    return compiled


def source(spec: dict) -> dict:
    task = spec["components"]["tfx-dag"]["dag"]["tasks"]["ExampleGen"]
    return task["inputs"]["parameters"]["run_date"]


def container(spec: dict) -> dict:
    return spec["deploymentSpec"]["executors"]["ExampleGen_executor"]["container"]


def range_of(text: str, zone: str | None = "UTC", before=None) -> dict:
    """The range of spans after the task was given this run date."""
    before = before or {"rolling_range": {"num_spans": 1}}
    given = {"range_config": json.dumps(before), "run_date": text}
    invocation = json.dumps({"inputs": {"parameterValues": given}})

    found = json.loads(run_date.put_in(invocation, zone))["inputs"]["parameterValues"]

    assert "run_date" not in found
    return json.loads(found["range_config"])


def until(span: int) -> dict:
    return {"static_range": {"start_span_number": 0, "end_span_number": span}}


def test_every_job_has_the_parameter_from_its_root_to_example_gen(compiled):
    job = compiled()
    spec = job.spec

    declared = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
    graph = spec["components"]["tfx-dag"]
    for component in (spec["root"], graph, spec["components"]["ExampleGen"]):
        assert component["inputDefinitions"]["parameters"]["run_date"] == declared
    passed = {"componentInputParameter": "run_date"}
    outer = spec["root"]["dag"]["tasks"]["tfx-dag"]
    assert outer["inputs"]["parameters"]["run_date"] == passed
    assert source(spec) == passed
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())


def test_a_schedules_job_takes_it_from_the_time_that_the_service_fills_in(compiled):
    job = compiled()
    spec = job.spec
    run_date.follow_schedule(job, "Europe/Berlin")

    constant = "{{$.pipeline_job_schedule_time_utc}}"
    assert source(spec) == {"runtimeValue": {"constant": constant}}
    driver = container(spec)["lifecycle"]["preCacheCheck"]
    for step in (container(spec), driver):
        place = step["args"].index("--run_date_zone")
        assert step["args"][place + 1] == "Europe/Berlin"
        assert step["args"].count("--run_date_zone") == 1
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())


def test_a_backfills_job_takes_it_from_the_parameter_again(compiled):
    job, before = compiled(), compiled()
    run_date.follow_schedule(job, "UTC")
    run_date.follow_parameter(job)

    assert job.spec == before.spec


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-01", "Europe/Berlin", 20758),
        ("2026-10-31T22:59:00Z", "Europe/Berlin", 20757),
        ("2026-10-31T23:00:00Z", "Europe/Berlin", 20758),
        ("2026-10-31T23:00:00Z", "UTC", 20757),
        ("2026-10-31T23:00:00.123456789Z", "Europe/Berlin", 20758),
        ("2026-11-01T03:00:00", "America/New_York", 20757),
    ],
)
def test_the_zone_says_which_day_a_time_is(text, zone, expected):
    assert range_of(text, zone) == until(expected)


def test_without_a_date_the_newest_span_stays():
    newest = {"rolling_range": {"num_spans": 1}}

    assert range_of("") == newest
    assert range_of("2026-11-01", zone=None) == newest


def test_a_span_that_somebody_chose_is_stronger():
    chosen = {"static_range": {"start_span_number": 3, "end_span_number": 3}}

    assert range_of("2026-11-01", before=chosen) == chosen


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", run_date.SCHEDULE_TIME])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r"run_date: '.*' is neither YYYY-MM-DD nor"):
        range_of(text)


def test_data_without_spans_are_the_same_on_any_date():
    given = {"range_config": "", "run_date": "2026-11-01", "other": "kept"}
    invocation = json.dumps({"inputs": {"parameterValues": given}})

    found = json.loads(run_date.put_in(invocation, "UTC"))

    assert found["inputs"]["parameterValues"] == {"range_config": "", "other": "kept"}


def drive(job: Job, text: str, folder) -> dict:
    """ExampleGen's driver in this process; what it tells the service."""
    spec = job.spec
    inputs = spec["components"]["tfx-dag"]["dag"]["tasks"]["ExampleGen"]["inputs"]
    values = {
        name: source["runtimeValue"]["constant"]
        for name, source in inputs["parameters"].items()
        if "runtimeValue" in source
    }
    examples = {"type": {"schemaTitle": "tfx.Examples"}, "uri": f"{folder}/examples"}
    file = folder / "driver_output.json"
    invocation = {
        "inputs": {"parameterValues": {**values, "run_date": text}},
        "outputs": {
            "artifacts": {"examples": {"artifacts": [examples]}},
            "outputFile": str(file),
        },
    }
    driver = container(spec)["lifecycle"]["preCacheCheck"]
    words = [json.dumps(invocation) if w == "{{$}}" else w for w in driver["args"]]
    task.main(words)
    return json.loads(file.read_text(encoding="utf-8"))["parameterValues"]


@pytest.mark.parametrize(
    ("text", "day", "span"),
    [
        ("2026-11-01", "2026-11-01", 20758),
        ("2026-11-03", "2026-11-01", 20758),
        ("2026-11-03T23:30:00Z", "2026-11-04", 20761),
        ("", "2026-11-04", 20761),
    ],
)
def test_the_driver_takes_the_data_of_the_run_date(compiled, tmp_path, text, day, span):
    job = compiled()
    run_date.follow_schedule(job, "Europe/Berlin")

    told = drive(job, text, tmp_path)

    assert told["span"] == span
    assert f"{day}/*" in told["input_config"]


# Prints what it was given as its run date.
PROGRAM = """
import json, sys
print("RUN DATE", json.loads(sys.argv[1])["inputs"]["parameterValues"].get("run_date"))
"""


def rehearsed(job: Job, containers, at, given) -> str:
    """What ExampleGen's container got; all others do nothing."""
    spec = job.spec
    for executor in spec["deploymentSpec"]["executors"].values():
        if "container" in executor:
            executor["container"] |= {
                "command": [sys.executable, "-c", PROGRAM],
                "args": ["{{$}}"],
                "lifecycle": {},
            }
    tasks = {
        task.name: task for task in Rehearsal(job, "r", given, containers, at=at).run()
    }
    return tasks["ExampleGen"].log.read_text(encoding="utf-8")


def test_a_rehearsal_gives_the_parameter_and_fills_in_the_schedules_time(
    compiled, containers
):
    at = datetime.datetime(2026, 11, 1, 5, tzinfo=datetime.UTC)
    scheduled = compiled()
    run_date.follow_schedule(scheduled, "UTC")

    by_hand = rehearsed(compiled(), containers, at, {"run_date": "2026-10-31"})
    by_schedule = rehearsed(scheduled, containers, at, {})

    assert "RUN DATE 2026-10-31" in by_hand
    assert "RUN DATE 2026-11-01T05:00:00+00:00" in by_schedule
