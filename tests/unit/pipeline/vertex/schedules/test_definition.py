"""The file of schedules: read strictly, with all its problems at once."""

from __future__ import annotations

import datetime
from textwrap import dedent

import pytest

from pipeline.errors import ConfigError
from pipeline.vertex.schedules import definition


@pytest.fixture
def read(tmp_path):
    def read(text: str):
        file = tmp_path / "schedules.yaml"
        file.write_text(dedent(text), encoding="utf-8")
        return definition.read(file)

    return read


def problems(read, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        read(text)
    head, *lines = str(refused.value).splitlines()
    assert head.endswith("schedules.yaml is not valid:")
    return [line.strip() for line in lines]


def test_the_bundled_file_is_valid(repository):
    found = definition.read(repository / "configs" / "schedules.yaml")

    assert [each.name for each in found] == ["nightly", "weekly-linear"]
    assert found[0].when.vertex == "TZ=Europe/Berlin 30 4 * * *"
    assert found[1].texts == {"training_model": "linear"}


def test_every_problem_of_a_file_is_told_with_the_schedule_and_the_key(read):
    assert problems(
        read,
        """
        schedules:
          - {name: Night_ly, cron: "61 * * * *", timezone: Europe/Berln}
          - {name: a, cron: "0 0 * * *", max_concurent: 2, max_runs: 0}
          - {cron: "@daily", start: 2026-12-02, end: 2026-12-01}
          - {name: b, cron: "0 0 * * *", parameters: {run_date: 2026-11-01}}
          - {name: c, cron: "0 0 * * *", parameters: {x: [1]}}
          - 7
        schedule: []
        """,
    ) == [
        "schedules.Night_ly.name: lower case, digits and dashes only; try 'night-ly'",
        (
            "schedules.Night_ly.timezone: there is no zone 'Europe/Berln'. "
            "Did you mean 'Europe/Berlin'?"
        ),
        (
            "schedules.Night_ly.cron: minute '61' (the 1st field): allowed are 0-59, "
            "*, lists (1,15), ranges (1-5) and steps (*/15)"
        ),
        "schedules.a.max_runs: Input should be greater than or equal to 1; got '0'",
        "schedules.a.max_concurent: unknown key. Did you mean 'max_concurrent'?",
        "schedules.number 3.name: is required and missing",
        "schedules.number 3.cron: '@daily' is not known to Vertex; write '0 0 * * *'",
        "schedules.b.parameters: run_date is the date that each run is scheduled for",
        "schedules.c.parameters: x: expected a text, a number or a date",
        (
            "schedules.number 6: Input should be a valid dictionary or instance of "
            "Schedule; got '7'"
        ),
        "schedule: unknown key. Did you mean 'schedules'?",
    ]


def test_two_schedules_of_one_name_are_refused(read):
    found = problems(
        read,
        """
        schedules:
          - {name: nightly, cron: "0 0 * * *"}
          - {name: nightly, cron: "0 1 * * *"}
        """,
    )

    assert found == ["schedules: each name once; more than once: nightly"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-12-02", "2026-12-01"),
        ("2026-12-01", "2026-12-01"),
        # 00:00 in Berlin is 23:00 UTC of the day before.
        ("2026-12-01", "2026-11-30T23:00:00+00:00"),
    ],
)
def test_an_end_that_is_not_after_the_start_is_refused(read, start, end):
    [problem] = problems(
        read,
        f"""
        schedules:
          - {{name: a, cron: "0 0 * * *", timezone: Europe/Berlin,
              start: {start}, end: {end}}}
        """,
    )

    assert problem.startswith("schedules.a.end: ")
    assert "is not after start, which is 2026-12-0" in problem


def test_a_time_without_an_offset_is_one_of_the_schedules_zone(read):
    [found] = read(
        """
        schedules:
          - name: a
            cron: "TZ=Europe/Berlin 0 0 * * *"
            start: 2026-07-01
            end: 2026-12-01T00:00:00+00:00
        """
    )

    assert found.moment("start").isoformat() == "2026-07-01T00:00:00+02:00"
    assert found.moment("end").utcoffset() == datetime.timedelta()


def test_start_and_end_are_compared_as_moments(read):
    """Half past midnight in Berlin is after its midnight, and the day before in UTC."""
    [found] = read(
        """
        schedules:
          - {name: a, cron: "0 0 * * *", timezone: Europe/Berlin,
             start: 2026-12-01, end: 2026-11-30T23:30:00+00:00}
        """
    )

    assert found.moment("end") > found.moment("start")


def test_values_of_parameters_are_text_for_the_job(read):
    [found] = read(
        """
        schedules:
          - name: a
            cron: "0 0 * * *"
            parameters: {x: 300, y: 0.91, z: true, d: 2026-11-01}
        """
    )

    assert found.texts == {"x": "300", "y": "0.91", "z": "true", "d": "2026-11-01"}


@pytest.mark.parametrize("text", ["", "schedules: 1", "- a", "a: [", "schedules"])
def test_what_is_no_file_of_schedules_is_told(read, text):
    with pytest.raises(ConfigError, match=r"schedules\.yaml"):
        read(text)


def test_options_of_the_command_line_are_named_as_such():
    with pytest.raises(ConfigError) as refused:
        definition.of_options(
            {"name": "a_b", "cron": "* *", "end": "soon", "max_concurrent": 0}
        )

    options = [line.partition(": ")[0] for line in str(refused.value).splitlines()]
    assert options == ["--name", "--cron", "--end", "--max-concurrent"]


def test_an_option_changes_what_it_says_and_leaves_the_rest():
    before = definition.of_options(
        {
            "name": "a",
            "cron": "0 0 * * *",
            "timezone": "Europe/Berlin",
            "parameters": {"x": "1", "y": "2"},
        }
    )

    later = before.with_options({"cron": "0 6 * * *", "parameters": {"x": "3"}})
    moved = before.with_options({"cron": "TZ=Asia/Tokyo 0 6 * * *", "end": None})

    assert later.when.vertex == "TZ=Europe/Berlin 0 6 * * *"
    assert later.texts == {"x": "3", "y": "2"}
    assert moved.when.vertex == "TZ=Asia/Tokyo 0 6 * * *"
