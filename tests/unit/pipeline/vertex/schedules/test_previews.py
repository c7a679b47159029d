"""What a schedule will do is told before anything is made."""

from __future__ import annotations

import datetime

import pytest

from pipeline.errors import ConfigError
from pipeline.vertex.schedules import definition, previews

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def wanted(**options):
    return definition.of_options({"name": "a", "cron": "0 6 * * *", **options})


def test_it_is_told_in_words_with_the_next_five_runs():
    assert previews.lines(wanted(), NOW) == [
        "At 06:00 every day (UTC)",
        "  Thu 2026-11-26 06:00 UTC",
        "  Fri 2026-11-27 06:00 UTC",
        "  Sat 2026-11-28 06:00 UTC",
        "  Sun 2026-11-29 06:00 UTC",
        "  Mon 2026-11-30 06:00 UTC",
        "at most 1 under way; a run that is due meanwhile is left out",
    ]


def test_it_says_what_is_special_about_its_days_and_its_limit():
    told = previews.lines(
        wanted(cron="0 6 13 * FRI", max_concurrent=2, allow_queueing=True), NOW
    )

    assert told[-2:] == [
        "at most 2 under way; a run that is due meanwhile waits",
        (
            "note: both day fields are given: it fires on days of the month 13 and "
            "also on every FRI, not only where they meet"
        ),
    ]


@pytest.mark.parametrize(
    ("options", "started", "days"),
    [
        ({"max_runs": 2}, 0, [26, 27]),
        ({"max_runs": 9}, 8, [26]),
        ({"end": "2026-11-27T06:00"}, 0, [26, 27]),
        ({"end": "2026-11-27T05:59"}, 0, [26]),
        ({"start": "2026-11-28T06:00", "max_runs": 1}, 0, [28]),
        ({"start": "2020-01-01", "max_runs": 1}, 0, [26]),
    ],
)
def test_only_runs_that_will_be_are_told(options, started, days):
    found = previews.upcoming(wanted(**options), NOW, started)

    assert [fire.at.day for fire in found] == days
    last = previews.lines(wanted(**options), NOW, started=started)[-2]
    assert last == "  and no more: the schedule is completed then"


@pytest.mark.parametrize(
    ("options", "started", "why"),
    [
        ({"end": "2026-11-25T18:00"}, 0, "end 2026-11-25 18:00:00.* before the first"),
        ({"max_runs": 3}, 3, "it has had its 3 runs"),
    ],
)
def test_one_that_would_never_run_is_refused(options, started, why):
    with pytest.raises(ConfigError, match=f"^a: would never run: {why}"):
        previews.lines(wanted(**options), NOW, started=started)


def overlaps(minutes: int | None, cron: str = "*/15 * * * *", **options) -> list[str]:
    usual = None if minutes is None else minutes * MINUTE
    found = previews.overlap_warnings(wanted(cron=cron, **options), NOW, usual)
    return [*found]


TOLD = "a run starts every 15 min and usually takes 50 min: 4 at once; max_concurrent "


@pytest.mark.parametrize(
    ("options", "end"),
    [
        ({}, "allows 1, so only about one of 4 runs will start. "),
        ({"max_concurrent": 2}, "allows 2, so only about one of 2 runs will start. "),
        ({"allow_queueing": True}, "allows 1, so the queue grows without end. "),
        ({"max_concurrent": 4}, "allows 4"),
    ],
)
def test_one_that_would_overlap_itself_is_warned_of_in_numbers(options, end):
    [warning] = overlaps(50, **options)

    assert warning.startswith(f"{TOLD}{end}")


@pytest.mark.parametrize("minutes", [None, 14, 15])
def test_one_that_is_done_before_the_next_is_not(minutes):
    assert overlaps(minutes) == []


def test_lengths_are_told_as_people_say_them():
    [warning] = overlaps(150, cron="0 * * * *")

    assert "every 1 h and usually takes 2 h 30 min" in warning


@pytest.mark.parametrize(
    ("now", "warning"),
    [
        (
            "2026-03-28T12:00",
            "warning: 02:30 does not exist on 2026-03-29: that run may be left out. ",
        ),
        (
            "2026-10-24T12:00",
            "warning: 02:30 comes twice on 2026-10-25: there may be two runs ",
        ),
    ],
)
def test_a_change_of_the_clocks_is_warned_of(now, warning):
    moment = datetime.datetime.fromisoformat(now).replace(tzinfo=datetime.UTC)

    found = previews.lines(wanted(cron="30 2 * * *", timezone="Europe/Berlin"), moment)

    assert found[-1].startswith(warning)
