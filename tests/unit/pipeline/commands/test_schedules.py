"""schedule, as it is typed: what it says, asks, sends and ends with."""

from __future__ import annotations

import datetime
import io
import json
import os
import subprocess
import sys

import pytest
import time_machine

import vertex_runner
from tests.fakes import google as google_lib
from tests.fakes import server

# Ahead of the true clock, by which gRPC's core ends what takes too long.
NOW = datetime.datetime(2054, 11, 25, 12, tzinfo=datetime.UTC)
BASE = (
    *("--set", f"vertex.project={server.PROJECT}"),
    *("--set", f"vertex.region={server.REGION}"),
    *("--set", "output_root=gs://trips-bucket/millrace"),
)
NIGHTLY = ("--name", "nightly", "--cron", "30 4 * * *", "--timezone", "Europe/Berlin")


@pytest.fixture
def google():
    with google_lib.running(NOW) as found:
        yield found


@pytest.fixture
def schedule(google, monkeypatch, capsys):
    """Types a command, at noon; gives exit code, stdout and stderr."""

    def schedule(*words: str, answers: str | None = None) -> tuple[int, str, str]:
        arguments = ["vertex_runner.py", "schedule", *words, *BASE]
        monkeypatch.setattr(sys, "argv", arguments)
        if answers is not None:
            terminal = io.StringIO(answers)
            terminal.isatty = lambda: True
            monkeypatch.setattr(sys, "stdin", terminal)
        capsys.readouterr()
        with time_machine.travel(NOW, tick=False):
            code = vertex_runner.main()
        told = capsys.readouterr()
        return code, told.out.lstrip(" "), told.err  # input() leaves a blank there

    return schedule


@pytest.fixture
def file(tmp_path):
    def file(*schedules: str) -> str:
        written = tmp_path / "schedules.yaml"
        lines = "".join(f"\n  - {each}" for each in schedules)
        written.write_text(f"schedules:{lines}\n", encoding="utf-8")
        return str(written)

    return file


def test_create_shows_the_next_five_runs_and_asks_first(schedule, google):
    code, out, err = schedule("create", *NIGHTLY, answers="n\n")

    assert (code, out) == (1, "")
    assert "At 04:30 every day (Europe/Berlin)\n  Thu 2054-11-26 04:30 CET " in err
    assert "  Mon 2054-11-30 04:30 CET   = 2054-11-30 03:30 UTC\n" in err
    assert "Create the schedule nightly? [y/N]" in err
    assert google.cloud.asked("CreateSchedule") == []


def test_create_makes_it_once(schedule, google):
    first = schedule("create", *NIGHTLY, answers="y\n")
    second = schedule("create", *NIGHTLY, "--yes")

    assert first[:2] == (0, "nightly: created, number 7001\n")
    assert second[0] == 2
    assert "there is a schedule named 'nightly' (7001, active)" in second[2]
    assert len(google.schedules.known) == 1


def test_where_nobody_can_be_asked_nothing_is_done(schedule, google):
    code, _, err = schedule("create", *NIGHTLY)

    assert code == 2
    assert "There is no terminal to ask on: say --yes, or --dry-run" in err
    assert google.cloud.asked("CreateSchedule") == []


def test_a_dry_run_prints_the_request_and_asks_the_service_nothing(schedule, google):
    code, out, _ = schedule("create", *NIGHTLY, "--max-runs", "3", "--dry-run")

    request = json.loads(out)
    assert code == 0
    assert request["cron"] == "TZ=Europe/Berlin 30 4 * * *"
    assert request["maxRunCount"] == "3"
    assert google.cloud.calls == []


def test_all_wrong_options_are_told_at_once_and_at_once():
    """In a process of its own: nothing heavy is imported for a mistake."""
    wrong = ("--cron", "61 * * * *", "--timezone", "Europe/Berln", "--name", "Nightly")
    done = subprocess.run(
        [
            *(sys.executable, "-X", "importtime", "vertex_runner.py"),
            *("schedule", "create", *wrong),
        ],
        capture_output=True,
        text=True,
        env=os.environ,
    )

    assert done.returncode == 2
    assert "--name: lower case, digits and dashes only; try 'nightly'" in done.stderr
    assert "--timezone: there is no zone 'Europe/Berln'. Did you mean" in done.stderr
    assert "--cron: minute '61' (the 1st field): allowed are 0-59" in done.stderr
    assert " tensorflow\n" not in done.stderr
    assert " google.cloud.aiplatform" not in done.stderr


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("UNAVAILABLE", 75), ("RESOURCE_EXHAUSTED", 75), ("PERMISSION_DENIED", 2)],
)
def test_a_service_that_says_no_ends_with_its_code(schedule, google, code, exit_code):
    google.cloud.faults.append(("CreateSchedule", code, "words of the service"))

    found, _, err = schedule("create", *NIGHTLY, "--yes")

    assert found == exit_code
    assert "create the schedule nightly: " in err


def test_who_may_not_see_jobs_may_make_schedules(schedule, google):
    google.cloud.faults.append(("ListPipelineJobs", "PERMISSION_DENIED", "no"))

    code, _, err = schedule("create", *NIGHTLY, "--yes")

    assert code == 0
    assert "note: whether it would overlap itself is not known: list the jobs" in err


def test_one_that_would_overlap_itself_is_warned_of_from_the_runs_there_were(
    schedule, google
):
    schedule("create", *NIGHTLY, "--yes")
    [live] = google.schedules.known.values()
    for number, minutes in enumerate((40, 50, 60)):
        job = google.schedules.fire(live.name, NOW + datetime.timedelta(seconds=number))
        job.state = "PIPELINE_STATE_SUCCEEDED"
        job.start_time = NOW
        job.end_time = NOW + datetime.timedelta(minutes=minutes)

    other = ("--name", "often", "--cron", "*/15 * * * *")
    _, _, err = schedule("create", *other, "--yes")

    assert (
        "warning: a run starts every 15 min and usually takes 50 min: 4 at once; "
        "max_concurrent allows 1" in err
    )


def test_list_and_show_are_for_people_and_for_programs(schedule, google):
    nothing = schedule("list")
    schedule("create", *NIGHTLY, "-p", "training_model=linear", "--yes")

    _, table, _ = schedule("list")
    _, text, _ = schedule("show", "nightly")
    listed, shown = (
        json.loads(schedule(*words, "--output", "json")[1])
        for words in (["list"], ["show", "7001"])
    )

    assert nothing[1] == ""
    assert "schedule create makes one" in nothing[2]
    assert "nightly" in table
    assert listed == [shown]
    assert shown["state"] == "active"
    assert shown["parameters"] == {"training_model": "linear"}
    assert shown["next_run"] == "2054-11-26T03:30:00+00:00"
    assert "next runs\n  Thu 2054-11-26 04:30 CET   = 2054-11-26 03:30 UTC" in text


def test_list_leaves_other_pipelines_out_unless_asked(schedule, google):
    schedule("create", *NIGHTLY, "--yes")
    [live] = google.schedules.known.values()
    labels = live.create_pipeline_job_request.pipeline_job.labels
    labels["millrace-pipeline"] = "penguins"

    ours = schedule("list", "--output", "json")[1]
    every = schedule("list", "--all", "--output", "json")[1]

    assert json.loads(ours) == []
    assert [each["pipeline"] for each in json.loads(every)] == ["penguins"]


def test_pause_and_resume_with_catch_up(schedule, google):
    schedule("create", *NIGHTLY, "--yes")

    paused = schedule("pause", "nightly")
    resumed = schedule("resume", "nightly", "--catch-up")
    again = schedule("resume", "nightly")

    assert paused[1] == "nightly: paused; schedule resume nightly goes on\n"
    assert resumed[1] == "nightly: active; what was missed runs first\n"
    assert google.cloud.asked("ResumeSchedule")[0].catch_up is True
    assert (again[0], "nightly is active: only paused" in again[2]) == (2, True)


def test_update_changes_what_is_said_and_nothing_else(schedule, google):
    schedule("create", *NIGHTLY, "-p", "training_model=linear", "--yes")
    [name] = google.schedules.known

    code, out, err = schedule(
        *("update", "nightly", "--cron", "0 6 * * *", "-p", "training_train_steps=9"),
        "--yes",
    )

    assert (code, out) == (0, "nightly: updated: cron, parameters\n")
    assert "cron: TZ=Europe/Berlin 30 4 * * * -> TZ=Europe/Berlin 0 6 * * *" in err
    live = google.schedules.known[name]
    assert live.cron == "TZ=Europe/Berlin 0 6 * * *"
    given = dict(
        live.create_pipeline_job_request.pipeline_job.runtime_config.parameter_values
    )
    assert given == {"training_model": "linear", "training_train_steps": "9"}


def test_update_with_the_template_brings_the_configurations_job(schedule, google):
    schedule("create", *NIGHTLY, "--yes")
    [name] = google.schedules.known
    account = "vertex.service_account=new@trips.iam.gserviceaccount.com"

    without = schedule("update", "nightly", "--set", account, "--yes")
    with_it = schedule("update", "nightly", "--template", "--set", account, "--yes")

    assert "nothing to change" in without[2]
    assert with_it[1] == "nightly: updated: job\n"
    job = google.schedules.known[name].create_pipeline_job_request.pipeline_job
    assert job.service_account == "new@trips.iam.gserviceaccount.com"


def test_delete_asks(schedule, google):
    schedule("create", *NIGHTLY, "--yes")

    kept = schedule("delete", "nightly", answers="n\n")
    gone = schedule("delete", "nightly", answers="y\n")

    assert "nightly: active, has started 0 runs; they stay" in kept[2]
    assert (kept[0], gone[0]) == (1, 0)
    assert kept[2].endswith("error: nothing was done: the answer was no\n")
    assert (kept[1], gone[1]) == ("", "nightly: deleted\n")
    assert google.schedules.known == {}


def test_plan_changes_nothing_and_apply_twice_is_one_schedule(schedule, google, file):
    wanted = file('{name: nightly, cron: "30 4 * * *", timezone: Europe/Berlin}')

    planned = schedule("plan", wanted)
    made = len(google.schedules.known)
    first = schedule("apply", wanted, "--yes")
    second = schedule("apply", wanted, "--yes")

    assert planned[1].startswith("create           nightly\n    At 04:30 every day")
    assert planned[1].endswith("plan: 1 to create\n")
    assert made == 0
    assert first[1] == "nightly: created\n"
    assert second[1] == ""
    assert "plan: nothing to do" in second[2]
    assert len(google.schedules.known) == 1


def test_an_orphan_is_deleted_only_when_somebody_says_so(schedule, google, file):
    both = ('{name: a, cron: "0 4 * * *"}', '{name: b, cron: "0 5 * * *"}')
    schedule("apply", file(*both), "--yes")
    one = file(both[0])

    left = schedule("apply", one, "--yes")
    kept = schedule("apply", one, answers="n\n")
    gone = schedule("apply", one, "--yes", "--delete-orphans")

    assert "b: an orphan, left; --delete-orphans deletes it" in left[2]
    assert "Delete the orphan b? [y/N]" in kept[2]
    assert kept[1] == ""
    assert gone[1] == "b: deleted\n"
    assert [live.display_name for live in google.schedules.known.values()] == ["a"]


def test_a_blocked_step_blocks_the_whole_plan(schedule, google, file):
    schedule("apply", file('{name: a, cron: "0 4 * * *", max_runs: 3}'), "--yes")

    code, _, err = schedule(
        "apply",
        file('{name: a, cron: "0 4 * * *"}', '{name: b, cron: "0 5 * * *"}'),
        "--yes",
    )

    assert code == 2
    assert "nothing was done:\n  a: a: Vertex cannot take away max_runs" in err
    assert len(google.schedules.known) == 1


def test_a_plan_is_for_programs_too(schedule, file):
    wanted = file('{name: a, cron: "0 4 * * *"}')

    [step] = json.loads(schedule("plan", wanted, "--output", "json")[1])

    assert (step["name"], step["actions"]) == ("a", ["create"])
    assert step["preview"][1] == "  Thu 2054-11-26 04:00 UTC"


def test_backfill_submits_the_missing_days_once(schedule, google):
    schedule("create", *NIGHTLY, "--yes")
    words = ("backfill", "--schedule", "nightly", "--from", "2054-11-23")

    asked = schedule(*words, "--to", "2054-12-24", "--dry-run")
    before = len(google.jobs.jobs)
    first = schedule(*words, "--to", "2054-12-24", "--no-wait", "--yes")
    second = schedule(*words, "--to", "2054-12-24", "--yes")

    assert '"run_date": "2054-11-23"' in asked[1]
    assert before == 0
    assert first[1].splitlines() == [
        "2054-11-23  chicago-taxi-nightly-20541123",
        "2054-11-24  chicago-taxi-nightly-20541124",
        "2054-11-25  chicago-taxi-nightly-20541125",
    ]
    assert (second[1], "nothing to submit" in second[2]) == ("", True)


@pytest.mark.parametrize(
    ("dates", "problem"),
    [
        (("2054-11-23", "2054-11-22"), "--to 2054-11-22 is before --from 2054-11-23"),
        (("yesterday", "2054-11-22"), "--from yesterday: expected YYYY-MM-DD"),
    ],
)
def test_days_that_are_none_are_a_mistake(schedule, dates, problem):
    first, last = dates

    code, _, err = schedule(
        *("backfill", "--schedule", "a", "--from", first, "--to", last)
    )

    assert (code, problem in err) == (2, True)
