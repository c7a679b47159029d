"""A cron expression: checked, in words, and when it fires."""

from __future__ import annotations

import datetime
import itertools

import pytest

from pipeline.errors import ConfigError
from pipeline.vertex.schedules import cron


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def shown(expression: str, zone: str, after: str, count: int = 3) -> list[str]:
    fires = cron.checked(expression, zone).fires(moment(after))
    return [str(fire) for fire in itertools.islice(fires, count)]


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("30 4 * * *", "Europe/Berlin", "TZ=Europe/Berlin 30 4 * * *"),
        ("30  4 * * mon-fri", None, "TZ=UTC 30 4 * * MON-FRI"),
        ("TZ=Asia/Tokyo 0 0 1 */2 *", None, "TZ=Asia/Tokyo 0 0 1 */2 *"),
        (
            "CRON_TZ=Asia/Tokyo 5-10/2,30 0 * * 0",
            None,
            "TZ=Asia/Tokyo 5-10/2,30 0 * * 0",
        ),
        ("TZ=UTC 0 0 * * *", "UTC", "TZ=UTC 0 0 * * *"),
    ],
)
def test_the_service_gets_five_fields_with_the_zone_before_them(
    expression, zone, expected
):
    assert cron.checked(expression, zone).vertex == expected


def test_it_is_said_in_words():
    found = cron.checked("30 4 * * MON-FRI", "Europe/Berlin")

    assert found.words == "At 04:30 on Monday through Friday (Europe/Berlin)"


FIELD = r"allowed are {}, \*, lists \(1,15\), ranges \(1-5\) and steps \(\*/15\)"


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("61 * * * *", r"minute '61' \(the 1st field\): " + FIELD.format("0-59")),
        ("* 24 * * *", r"hour '24' \(the 2nd field\): " + FIELD.format("0-23")),
        ("* * 0 * *", r"day of month '0' \(the 3rd field\): " + FIELD.format("1-31")),
        ("* * * 13 *", r"month '13' \(the 4th field\): "),
        ("* * * * 7", r"day of week '7' \(the 5th field\): .* 0-6 or SUN-SAT"),
        ("5-1 * * * *", "minute '5-1'"),
        ("*/0 * * * *", r"minute '\*/0'"),
        ("1,,2 * * * *", "minute '1,,2'"),
        ("* * L * *", "day of month 'L'"),
        ("* * * * 1#2", "day of week '1#2'"),
        ("* * * *", r"expected 5 fields .*, got 4: '\* \* \* \*'"),
        ("0 0 * * * *", "expected 5 fields .*, got 6"),
        ("", "expected 5 fields .*, got 0"),
        ("@daily", r"'@daily' is not known to Vertex; write '0 0 \* \* \*'"),
        ("@reboot", "'@reboot' is not known to Vertex; write 'five fields'"),
        ("0 0 31 2 *", r"'0 0 31 2 \*' never comes"),
    ],
)
def test_what_is_no_cron_says_which_field_and_what_is_allowed(expression, problem):
    with pytest.raises(ConfigError, match=f"^cron: {problem}"):
        cron.checked(expression)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ConfigError) as refused:
        cron.checked("61 25 * * *", "Europe/Berln")

    starts = [line[:14] for line in str(refused.value).splitlines()]
    assert starts == ["cron: minute '", "cron: hour '25", "timezone: ther"]


def test_two_zones_are_one_too_many():
    with pytest.raises(ConfigError, match=r"Asia/Tokyo, and TZ=UTC in cron; give one"):
        cron.checked("TZ=UTC 0 0 * * *", "Asia/Tokyo")


def test_the_next_times_are_in_the_zone_with_utc_beside_them():
    assert shown("30 4 * * *", "Europe/Berlin", "2026-11-25T12:00", 2) == [
        "Thu 2026-11-26 04:30 CET   = 2026-11-26 03:30 UTC",
        "Fri 2026-11-27 04:30 CET   = 2026-11-27 03:30 UTC",
    ]
    assert shown("30 4 * * *", "UTC", "2026-11-25T12:00", 1) == [
        "Thu 2026-11-26 04:30 UTC"
    ]


def test_a_moment_of_firing_is_not_after_itself():
    assert shown("30 4 * * *", "UTC", "2026-11-25T04:30", 1) == [
        "Thu 2026-11-26 04:30 UTC"
    ]


def test_a_time_that_the_clocks_leave_out_is_marked():
    assert shown("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 2) == [
        "Sun 2026-03-29 02:30 ! does not exist: the clocks go forward",
        "Mon 2026-03-30 02:30 CEST  = 2026-03-30 00:30 UTC",
    ]


def test_a_time_that_comes_twice_is_marked():
    assert shown("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2) == [
        (
            "Sun 2026-10-25 02:30 CEST  = 2026-10-25 00:30 UTC"
            "  ! comes twice: the clocks go back"
        ),
        "Mon 2026-10-26 02:30 CET   = 2026-10-26 01:30 UTC",
    ]


def test_of_every_hour_those_are_told_that_come():
    forward = shown("0 * * * *", "Europe/Berlin", "2026-03-29T00:30", 2)
    back = shown("0 * * * *", "Europe/Berlin", "2026-10-24T23:30", 3)

    assert [line[15:26] for line in forward] == ["03:00 CEST ", "04:00 CEST "]
    assert [line[15:26] for line in back] == [
        "02:00 CEST ",
        "02:00 CET  ",
        "03:00 CET  ",
    ]


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [("*/20 * * * *", 20), ("0 4,6 * * *", 120), ("0 0 * * *", 24 * 60)],
)
def test_the_shortest_interval_is_that_of_the_next_hundred(expression, minutes):
    found = cron.checked(expression).shortest_interval(moment("2026-11-25T12:00"))

    assert found == datetime.timedelta(minutes=minutes)


def test_the_days_on_which_it_fires_count_once_each():
    first, last = datetime.date(2026, 3, 27), datetime.date(2026, 3, 30)

    hourly = cron.checked("0 * * * *", "Europe/Berlin").dates(first, last)
    missing_hour = cron.checked("30 2 * * SUN", "Europe/Berlin").dates(first, last)

    assert [day.day for day in hourly] == [27, 28, 29, 30]
    assert [day.day for day in missing_hour] == [29]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-24T22:59", 23),  # 23:59 in Berlin
        ("2026-11-24T23:30", 25),  # 00:30 in Berlin
        ("2026-11-24T23:15", 25),  # just then
        ("2026-11-24T23:14", 23),
    ],
)
def test_the_day_before_a_moment_is_one_of_the_zone(at, day):
    berlin = cron.checked("15 0 * * WED,MON", "Europe/Berlin")

    assert berlin.date_before(moment(at)).day == day


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (
            "0 4 */10 * MON",
            (
                "'*/10' beside another day field: some crons fire where both fields "
                "hold, others where either does. For either write the days: "
                "'0 4 1,11,21,31 * MON'. For both there is no such expression: make "
                "one of the two fields *"
            ),
        ),
        ("0 4 13 * */2", "For either write the days: '0 4 13 * 0,2,4,6'."),
        ("0 4 */20 * */3", "'*/20 */3' beside another day field"),
        ("0 4 */1 * MON", "it means every day; write '0 4 * * MON'"),
    ],
)
def test_a_step_beside_another_day_field_is_refused_with_the_days(expression, words):
    """cronsim takes AND, as Debian's cron does; robfig/cron takes OR."""
    with pytest.raises(ConfigError) as refused:
        cron.checked(expression)

    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("expression", ["0 4 */2 * *", "0 4 * * */2", "0 4 1-9/2 * *"])
def test_a_step_in_the_only_day_field_is_taken(expression):
    assert cron.checked(expression).notes == ()


def test_of_two_day_fields_either_is_enough_and_that_is_told():
    when = cron.checked("0 4 13 * FRI")
    first, last = datetime.date(2026, 11, 1), datetime.date(2026, 11, 15)

    assert [day.day for day in when.dates(first, last)] == [6, 13]
    assert when.notes == (
        (
            "both day fields are given: it fires on days of the month 13 and also on "
            "every FRI, not only where they meet"
        ),
    )
