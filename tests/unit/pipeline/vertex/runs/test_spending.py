"""What a run on Vertex took, by task and against the run before."""

from __future__ import annotations

import datetime
import json

import pytest
from google.cloud.aiplatform_v1.types import pipeline_job
from google.protobuf import json_format

from pipeline.config.vertex import Prices, VertexConfig
from pipeline.vertex.runs import spending
from tests.fakes import server

START = datetime.datetime(2026, 3, 2, 2, tzinfo=datetime.UTC)
PRICES = Prices(
    currency="EUR",
    cpu_hour=0.1,
    memory_gb_hour=0.0,
    accelerator_hour={"NVIDIA_TESLA_T4": 1.0},
    run=0.03,
)
RESOURCES = {
    "cpuLimit": 8.0,
    "memoryLimit": 32.0,
    "accelerator": {"type": "NVIDIA_TESLA_T4", "count": "2"},
}
EXECUTORS = {
    "ExampleGen_executor": {"container": {"image": "i"}},
    "Trainer_executor": {"container": {"image": "i", "resources": RESOURCES}},
    "Evaluator_executor": {"container": {"image": "i"}},
    "BaselineResolver-model-resolver_executor": {"resolver": {}},
}


def at(minutes: float) -> datetime.datetime:
    return START + datetime.timedelta(minutes=minutes)


def task(name: str, state: str, start: float | None, end: float | None, words=""):
    made = pipeline_job.PipelineTaskDetail(task_name=name, state=state)
    if start is not None:
        made.start_time = at(start)
    if end is not None:
        made.end_time = at(end)
    made.error.message = words
    return made


TASKS = (
    task("tfx-dag", "SUCCEEDED", 0, 60),
    task("ExampleGen", "SKIPPED", 0, 6),
    task("Trainer", "SUCCEEDED", 6, 36),
    task("BaselineResolver-model-resolver", "SUCCEEDED", 36, 37),
    task("Evaluator", "SUCCEEDED", 37, 49),
)


def job(run="trips-2", tasks=TASKS, minutes=60, created=0.0, **fields):
    spec = {
        "pipelineInfo": {"name": "chicago-taxi"},
        "deploymentSpec": {"executors": EXECUTORS},
    }
    made = pipeline_job.PipelineJob(
        name=f"{server.PARENT}/pipelineJobs/{run}",
        display_name="chicago-taxi",
        state="PIPELINE_STATE_SUCCEEDED",
        create_time=at(created),
        start_time=at(created),
        job_detail=pipeline_job.PipelineJobDetail(task_details=tasks),
        **fields,
    )
    if minutes is not None:
        made.end_time = at(created + minutes)
    json_format.ParseDict(spec, pipeline_job.PipelineJob.pb(made).pipeline_spec)
    return made


def bill(prices: Prices | None = PRICES, **fields) -> spending.Bill:
    vertex = VertexConfig(project="p", region="europe-west4", image="i", prices=prices)
    return spending.of_job(job(**fields), vertex, at(90))


def test_a_task_costs_the_machine_that_the_job_asked_for():
    tasks = {each.name: each for each in bill().tasks}

    assert tasks["Trainer"].seconds == 1800
    assert tasks["Trainer"].amount == pytest.approx((8 * 0.1 + 2 * 1.0) / 2)
    assert tasks["Evaluator"].amount == pytest.approx(4 * 0.1 / 5)


def test_what_came_from_the_cache_and_what_the_service_does_hold_no_machine():
    tasks = {each.name: each for each in bill().tasks}

    cached, resolver = tasks["ExampleGen"], tasks["BaselineResolver-model-resolver"]
    assert (cached.state, cached.hours, cached.amount) == ("cached", 0.0, 0.0)
    assert (resolver.seconds, resolver.hours, resolver.amount) == (60, None, None)


def test_the_run_is_the_sum_with_its_fee_and_no_task_twice():
    found = bill()

    assert found.seconds == 3600
    assert found.hours == pytest.approx(0.7)
    assert found.amount == pytest.approx(1.4 + 0.08 + 0.03)


def test_without_prices_there_are_hours_alone():
    found = bill(prices=None)

    assert (found.amount, found.no_amount) == (None, "")
    assert found.hours == pytest.approx(0.7)


def test_an_accelerator_without_a_price_is_no_amount_and_says_why():
    found = bill(prices=PRICES.model_copy(update={"accelerator_hour": {}}))

    assert found.amount is None
    assert "no NVIDIA_TESLA_T4" in found.no_amount


def test_what_still_runs_counts_until_now():
    tasks = (
        task("Trainer", "RUNNING", 60, None),
        task("Pusher", "PENDING", None, None),
    )

    found = bill(tasks=tasks, minutes=None)

    assert [each.seconds for each in found.tasks] == [1800, None]
    assert found.seconds == 5400


PRICED = (
    *("--set", "vertex.prices.currency=EUR", "--set", "vertex.prices.cpu_hour=0.1"),
    *("--set", "vertex.prices.memory_gb_hour=0"),
    *("--set", "vertex.prices.accelerator_hour={NVIDIA_TESLA_T4: 1.0}"),
)


def test_status_shows_time_and_money_against_the_run_before(google, capsys):
    google.jobs.add(job("trips-0", created=-300, minutes=10))
    google.jobs.add(job("trips-1", created=-100, minutes=75, tasks=TASKS[:3]))
    google.jobs.add(job())
    other = google.jobs.add(job("other-9", created=-50))
    other.pipeline_spec["pipelineInfo"]["name"] = "other"

    done = google.here(capsys, "status", "trips-2", *PRICED)

    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert lines[0] == ["task", "state", "seconds", "machine-hours", "EUR", "error"]
    assert ["Trainer", "succeeded", "1800", "0.50", "1.40"] in lines
    assert ["whole", "run", "3600", "0.70", "1.48"] in lines
    assert "the run before, trips-1: 1\N{NARROW NO-BREAK SPACE}h" in done.stdout
    assert "faster; 0.50 machine-hours; EUR 1.40, this one +0.08" in done.stdout


def test_status_as_json_has_the_same_and_ends_with_the_run_s_code(google, capsys):
    google.jobs.add(job("trips-1", created=-100, minutes=75))
    failed = task("Trainer", "FAILED", 6, 36, "exited with 1")
    google.jobs.add(job(tasks=(failed,))).state = "PIPELINE_STATE_FAILED"

    done = google.here(capsys, "status", "trips-2", "--output", "json")

    found = json.loads(done.stdout)
    assert (done.returncode, found["outcome"], found["node"]) == (
        1,
        "FAILED",
        "Trainer",
    )
    assert (found["seconds"], found["machine_hours"]) == (3600, 0.5)
    assert (found["amount"], found["currency"]) == (None, None)
    assert found["tasks"][0]["error"] == "exited with 1"
    assert found["before"]["run"] == "trips-1"
    assert done.stderr == ""


def test_a_first_run_has_none_before_it(google, capsys):
    google.jobs.add(job())

    done = google.here(capsys, "status", "trips-2", "--output", "json")

    assert json.loads(done.stdout)["before"] is None


def test_a_run_is_shown_although_the_runs_before_cannot_be_listed(google, capsys):
    google.jobs.add(job())
    google.cloud.faults += [("ListPipelineJobs", "RESOURCE_EXHAUSTED", "quota")] * 20

    done = google.here(capsys, "status", "trips-2")

    assert done.returncode == 0
    assert "whole run" in done.stdout
    assert "the run before is not compared with: list the jobs: quota" in done.stderr
