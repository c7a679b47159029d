"""A hint leads to a zone that means the same, never to one that is hours off."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.vertex.schedules import cron, zones

CITY = "Expected a city's zone, such as Europe/Berlin, or UTC"


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Berln", "Did you mean 'Europe/Berlin'?"),
        ("europe/berlin", "Did you mean 'Europe/Berlin'?"),
        ("berlin", "Did you mean 'Europe/Berlin'?"),
        ("New York", "Did you mean 'America/New_York'?"),
        ("Mars", CITY),
        # Its sign is reversed: Etc/GMT+2 is two hours west.
        ("GMT+2", f"{CITY}. For UTC+2 all year: 'Etc/GMT-2', whose sign is reversed"),
        ("-05:00", f"{CITY}. For UTC-5 all year: 'Etc/GMT+5', whose sign is reversed"),
        ("etc/gmt+2", "Did you mean 'Etc/GMT+2'?"),
        ("UTC+5:30", CITY),
        ("GMT+20", CITY),
        ("utc", "Did you mean 'UTC'?"),
        # Not MST, which is an hour off and has no summer time.
        ("PST", "Did you mean 'America/Los_Angeles'?"),
        ("MST7", CITY),
        # India's, Israel's or Ireland's.
        ("IST", CITY),
    ],
)
def test_a_zone_that_does_not_exist_gets_one_that_means_the_same(zone, hint):
    assert zones.problems(zone) == [f"timezone: there is no zone '{zone}'. {hint}"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Etc/GMT-2", "MST"])
def test_a_zone_that_exists_has_no_problem(zone):
    assert zones.problems(zone) == []


def test_a_cron_in_no_zone_is_refused():
    with pytest.raises(ConfigError, match="there is no zone 'Mars'"):
        cron.checked("0 0 * * *", "Mars")
